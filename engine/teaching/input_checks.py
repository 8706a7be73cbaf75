"""Words that people type: trimmed, and refused in one sentence where they are missing or too long."""

from __future__ import annotations

from engine.errors import UsageError
from engine.store.quizzes import VISIBILITIES

MAX_TITLE, MAX_ALIAS, MAX_NOTE = 120, 40, 4000  # characters


def title(words: str) -> str:
    """Return a title on one line; UsageError where it is empty or too long."""
    return _line(words, "title", MAX_TITLE)


def alias(words: str) -> str:
    """Return a learner's alias on one line; UsageError where it is empty or too long."""
    return _line(words, "alias", MAX_ALIAS)


def note(words: str) -> str:
    """Return a note or description without space around it; UsageError where it is too long."""
    words = words.strip()
    if len(words) > MAX_NOTE:
        raise UsageError(f"The text has {len(words)} characters and {MAX_NOTE} fit: shorten it, nothing was changed.")
    return words


def visibility(name: str) -> None:
    """Raise UsageError where there is no such visibility."""
    if name not in VISIBILITIES:
        raise UsageError(f"There is no visibility '{name}': use {', '.join(VISIBILITIES)}.")


def unchanged(present: str, expected_text: str | None, text: str) -> None:
    """Raise UsageError where words would be overwritten that someone else wrote meanwhile."""
    if expected_text is not None and present not in (expected_text, text):
        raise UsageError(
            "Someone else changed this text meanwhile, so yours was not saved over theirs: copy yours, "
            "reload the page and put the two together."
        )


def _line(words: str, what: str, most: int) -> str:
    words = " ".join(words.split())
    if not words:
        raise UsageError(f"The {what} is empty: type one, nothing was changed.")
    if len(words) > most:
        raise UsageError(f"The {what} has {len(words)} characters and {most} fit: shorten it, nothing was changed.")
    return words
