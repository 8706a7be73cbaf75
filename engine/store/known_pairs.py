"""Pairs with the mark that the department agreed on: shown as examples, or set apart for the check of new raters."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.errors import UsageError, brief
from engine.files import utc_now
from engine.store.database import Database
from engine.store.ratings import MAX_COMMENT, check_pair_exists, printable, rater_name
from engine.store.records import MARKS

Purpose = Literal["example", "check"]
PURPOSES: tuple[Purpose, ...] = ("example", "check")
COLUMNS = "pair_id, query_id, study_id, mark, note, purpose, who, created_at"


@dataclass(frozen=True)
class KnownPair:
    """One pair. mark : what was agreed; note : why, in words; who : added it"""

    pair_id: str
    query_id: str
    study_id: str
    mark: str
    note: str
    purpose: Purpose
    who: str
    created_at: datetime

    @property
    def pair(self) -> tuple[str, str]:
        """Query id and study id."""
        return self.query_id, self.study_id


def known_pairs(database: Database, purpose: Purpose | None = None) -> list[KnownPair]:
    """Return the pairs that are not removed, oldest first; of one purpose or of both."""
    found = database.read(
        f"SELECT {COLUMNS} FROM known_pairs WHERE removed_at IS NULL AND (? IS NULL OR purpose = ?)"
        " ORDER BY created_at, pair_id",
        [purpose, purpose],
    )
    return [KnownPair(*row) for row in found]


def add(
    database: Database, pair: tuple[str, str], mark: str, who: str, *, note: str = "", purpose: Purpose = "example"
) -> KnownPair:
    """Store a pair with its agreed mark, in the place of what was agreed about it before.

    Raises UsageError where a word cannot stand or a side is not there.
    """
    if mark not in MARKS:
        raise UsageError(f"There is no agreed mark '{brief(mark)}': use {', '.join(MARKS)}.")
    note, who = note_of(note), rater_name(who)
    made = KnownPair(f"k-{secrets.token_hex(6)}", *pair, mark, note, purpose, who, utc_now())
    with database.write() as cursor:
        check_pair_exists(cursor, *pair)
        cursor.execute(
            "UPDATE known_pairs SET removed_at = ? WHERE query_id = ? AND study_id = ? AND removed_at IS NULL",
            [made.created_at, *pair],
        )
        cursor.execute(
            f"INSERT INTO known_pairs ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [made.pair_id, *pair, mark, note, purpose, who, made.created_at],
        )
    return made


def remove(database: Database, pair_id: str) -> None:
    """Take a pair off the list; `restore` brings it back."""
    _set_removed(database, pair_id, utc_now())


def restore(database: Database, pair_id: str) -> None:
    """Undo `remove`."""
    _set_removed(database, pair_id, None)


def note_of(words: str) -> str:
    """Return a note on one line; UsageError where it is too long."""
    line = printable(words)
    if len(line) > MAX_COMMENT:
        raise UsageError(f"The note has {len(line)} characters and {MAX_COMMENT} fit: shorten it.")
    return line


def _set_removed(database: Database, pair_id: str, when: datetime | None) -> None:
    with database.write() as cursor:
        cursor.execute("UPDATE known_pairs SET removed_at = ? WHERE pair_id = ?", [when, pair_id])
