"""Readings that are no ratings: each is compared with the agreed mark, or with the reader's own earlier one.

A run is a number of pairs of one reader. An answer is written once and never changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from engine.errors import UsageError, brief
from engine.files import utc_now
from engine.store.database import Database
from engine.store.ratings import guideline_in_force, rater_name
from engine.store.records import MARKS

Kind = Literal["agreed", "repeat"]
COLUMNS = "run_id, who, kind, place, query_id, study_id, expected, note, began_at, given, guideline, answered_at"


class KnownMark(NamedTuple):
    """A pair to read, the mark that the reading is compared with, and a note about it."""

    query_id: str
    study_id: str
    expected: str
    note: str = ""


@dataclass(frozen=True)
class CheckPair:
    """One reading. given, guideline, answered_at : None until it is answered"""

    run_id: str
    who: str
    kind: Kind
    place: int
    query_id: str
    study_id: str
    expected: str
    note: str
    began_at: datetime
    given: str | None
    guideline: int | None
    answered_at: datetime | None

    @property
    def pair(self) -> tuple[str, str]:
        """Query id and study id."""
        return self.query_id, self.study_id

    @property
    def is_same(self) -> bool:
        """Whether the answer is the mark that it is compared with."""
        return self.given == self.expected


def begin(database: Database, who: str, kind: Kind, pairs: Sequence[KnownMark]) -> str:
    """Store a run of pairs in their order; return its id."""
    run_id, now, who = f"run-{secrets.token_hex(6)}", utc_now(), rater_name(who)
    rows = [[run_id, who, kind, place, *pair, now] for place, pair in enumerate(pairs)]
    with database.write() as cursor:
        if rows:
            cursor.executemany("INSERT INTO check_pairs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)", rows)
    return run_id


def run(database: Database, run_id: str, who: str) -> list[CheckPair]:
    """Return the pairs of one run of a reader in order; none where it is somebody else's."""
    return _read(database, "run_id = ? AND who = ?", [run_id, who])


def readings(database: Database, who: str | None = None) -> list[CheckPair]:
    """Return the answered pairs of one reader or of everyone, in the order of the runs."""
    return _read(database, "given IS NOT NULL AND (? IS NULL OR who = ?)", [who, who])


def open_run(database: Database, who: str, kind: Kind) -> str | None:
    """Return the id of the reader's newest run that is not at its end, or None."""
    found = database.read(
        "SELECT run_id FROM check_pairs WHERE who = ? AND kind = ? AND given IS NULL ORDER BY began_at DESC LIMIT 1",
        [who, kind],
    )
    return found[0][0] if found else None


def answer(database: Database, run_id: str, who: str, place: int, given: str) -> None:
    """Write the answer to one pair; a second one changes nothing. UsageError where the mark is none."""
    if given not in MARKS:
        raise UsageError(f"There is no mark '{brief(given)}' in a check: use {', '.join(MARKS)}.")
    with database.write() as cursor:
        version = guideline_in_force(cursor)
        cursor.execute(
            "UPDATE check_pairs SET given = ?, guideline = ?, answered_at = ?"
            " WHERE run_id = ? AND who = ? AND place = ? AND given IS NULL",
            [given, version, utc_now(), run_id, who, place],
        )


def _read(database: Database, condition: str, values: Sequence[object]) -> list[CheckPair]:
    """Return the pairs that meet an SQL condition of this module."""
    sql = f"SELECT {COLUMNS} FROM check_pairs WHERE {condition} ORDER BY began_at, run_id, place"
    return [CheckPair(*row) for row in database.read(sql, values)]
