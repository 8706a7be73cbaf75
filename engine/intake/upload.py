"""What arrives: dropped files as bytes, and what the user answered when a file left something open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.errors import IntakeError
from engine.settings import UPLOAD_LIMIT_MB

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Upload:
    """One dropped file. The name may identify a person: it finds siblings and is never stored."""

    name: str
    data: bytes = field(repr=False)

    @property
    def base(self) -> str:
        """The file's own name, lower case, without any folder."""
        return base_name(self.name)

    @property
    def stem(self) -> str:
        """The base without its last suffix."""
        return self.base.rpartition(".")[0] or self.base


@dataclass(frozen=True)
class Answers:
    """The user's answers to a QuestionError; None where nothing was asked.

    modality : "ecg" or "ppg", which part of a file that holds both is meant
    fs       : sampling rate, Hz
    units    : "mV", "uV", "au" or "sd"
    """

    modality: str | None = None
    fs: float | None = None
    units: str | None = None


@dataclass(frozen=True)
class ReaderInput:
    """What the reader of a format is given.

    file    : the file that the study is in
    kind    : its format, a key of engine.intake.formats.READABLE
    uploads : everything that came with it, itself included
    key     : makes pseudonyms from identifiers inside the file
    """

    file: Upload
    kind: str
    uploads: Sequence[Upload]
    answers: Answers
    key: bytes = field(repr=False)


def base_name(name: str) -> str:
    """Return the last component of a path in either notation, lower case."""
    return name.replace("\\", "/").rsplit("/", 1)[-1].strip().lower()


def check_size(size: int) -> None:
    """Raise IntakeError for an empty file or one above UPLOAD_LIMIT_MB; `size` in bytes."""
    if size == 0:
        raise IntakeError(
            "The file is empty (0 bytes), so there is nothing to read: export it again and drop the new file."
        )
    if size > UPLOAD_LIMIT_MB * MEGABYTE:
        raise IntakeError(
            f"The file has {size / MEGABYTE:,.0f} MB and the limit is {UPLOAD_LIMIT_MB} MB: "
            "cut out the part that matters, or export a single study."
        )


def check_sizes(uploads: Sequence[Upload]) -> None:
    """Raise IntakeError unless every file, and all of them together, are within the limits."""
    if not uploads:
        raise IntakeError(
            "No file arrived: drop one study, for example a DICOM film or a WFDB header with its signal file."
        )
    for upload in uploads:
        check_size(len(upload.data))
    check_size(sum(len(upload.data) for upload in uploads))
