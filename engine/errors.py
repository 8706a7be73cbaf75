"""Every error a user can meet. Each message is one sentence: what, why, what next.

CasebindError
├── UsageError            the request itself is wrong (unknown option value, missing workspace)       exit 2
│   └── NotPermittedError the study is there, but whoever asks may not see it                         exit 2
├── IntakeError           the file cannot be taken in (truncated, unknown format, too large)          exit 2
│   └── QuestionError     the file is readable but leaves a fact open (rate, units, modality)         exit 2
├── RefusedError          the quality gate refused the recording                                      exit 3
├── FederationError       what a site sent cannot be put together with what others sent              exit 2
├── ReleaseError          a release or a part of it is missing, damaged or of another version         exit 2
└── WorkspaceError        the workspace is missing or damaged                                         exit 2
    └── WorkspaceBusyError another process has it open                                                exit 2
"""

from __future__ import annotations

MAX_LENGTH = 80  # letters of what a user gave, in a sentence about it


def brief(given: str) -> str:
    """Return what a user gave as it stands in a sentence: on one line, its end left out where it is long."""
    words = " ".join(given.split())
    return words if len(words) <= MAX_LENGTH else f"{words[: MAX_LENGTH - 1]}…"


class CasebindError(Exception):
    """Base of all errors whose message is meant for the user; one sentence."""

    exit_status = 2


class UsageError(CasebindError):
    """The request itself cannot be carried out as asked."""


class NotPermittedError(UsageError):
    """The study is there, but whoever asks may not see it."""


class IntakeError(CasebindError):
    """The upload cannot be turned into a study; nothing was stored."""


class QuestionError(IntakeError):
    """The upload is readable but leaves one fact open that only the user knows.

    field   : "fs", "units" or "modality"
    choices : allowed answers, empty for a number
    """

    def __init__(self, message: str, *, field: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.field = field
        self.choices = choices


class RefusedError(CasebindError):
    """The quality gate refused the recording; the message carries number, threshold and remedy."""

    exit_status = 3


class FederationError(CasebindError):
    """What a site sent cannot be put together with what others sent; nothing of it was used."""


class ReleaseError(CasebindError):
    """A model release is missing, damaged or incompatible."""


class WorkspaceError(CasebindError):
    """The workspace cannot be opened or written."""


class WorkspaceBusyError(WorkspaceError):
    """Another process has the workspace open."""
