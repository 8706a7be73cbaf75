"""What relevant means in this workspace: a text that people edit. Every version stays, with its author and moment.

Version 0 is the shipped text. A rating notes the version that was in force when it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.errors import UsageError
from engine.files import utc_now
from engine.store.database import Database
from engine.store.ratings import printable, rater_name
from engine.strings import text

MAX_WORDS = 6000  # characters
COLUMNS = "version, words, who, created_at"


@dataclass(frozen=True)
class Guideline:
    """One version of the text. who, created_at : "" and None for the shipped one"""

    version: int
    words: str
    who: str
    created_at: datetime | None


def shipped() -> Guideline:
    """Return version 0."""
    return Guideline(0, text("guidelines.shipped").strip(), "", None)


def versions(database: Database) -> list[Guideline]:
    """Return every version, the newest first; the last is the shipped one."""
    found = database.read(f"SELECT {COLUMNS} FROM guidelines ORDER BY version DESC")
    return [*(Guideline(*row) for row in found), shipped()]


def in_force(database: Database) -> Guideline:
    """Return the newest version."""
    found = database.read(f"SELECT {COLUMNS} FROM guidelines ORDER BY version DESC LIMIT 1")
    return Guideline(*found[0]) if found else shipped()


def write(database: Database, words: str, who: str, *, edited: int) -> Guideline:
    """Append a version and return it; the one in force where nothing differs.

    edited : the version that the writer had before them
    Raises UsageError where the text is empty or too long, or somebody else wrote a newer version meanwhile.
    """
    words, who = _checked(words), rater_name(who)
    with database.exclusive():
        present = in_force(database)
        if words == present.words:
            return present
        if edited != present.version:
            raise UsageError(
                f"{present.who} wrote version {present.version} meanwhile, so yours was not saved over it: copy your "
                "text, reload the page and put the two together."
            )
        made = Guideline(present.version + 1, words, who, utc_now())
        with database.write() as cursor:
            cursor.execute("INSERT INTO guidelines VALUES (?, ?, ?, ?)", [made.version, words, who, made.created_at])
    return made


def _checked(words: str) -> str:
    lines = [printable(line) for line in words.replace("\r\n", "\n").split("\n")]
    line = "\n".join(lines).strip()
    if not line:
        raise UsageError("The guidelines are empty: say in a few sentences what relevant means.")
    if len(line) > MAX_WORDS:
        raise UsageError(f"The guidelines have {len(line)} characters and {MAX_WORDS} fit: shorten them.")
    return line
