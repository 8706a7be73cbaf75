"""Decisions on pairs about which raters differ: beside their ratings, which stay as they were given."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from engine.errors import UsageError, brief
from engine.files import utc_now
from engine.store.database import Database
from engine.store.known_pairs import note_of
from engine.store.ratings import check_pair_exists, guideline_in_force, rater_name
from engine.store.records import MARKS

COLUMNS = "adjudication_id, query_id, study_id, mark, note, guideline, who, created_at"


@dataclass(frozen=True)
class Adjudication:
    """What somebody who had not rated a pair decided about it, and why. guideline : version in force then"""

    adjudication_id: str
    query_id: str
    study_id: str
    mark: str
    note: str
    guideline: int
    who: str
    created_at: datetime

    @property
    def pair(self) -> tuple[str, str]:
        """Query id and study id."""
        return self.query_id, self.study_id


def adjudications(database: Database) -> list[Adjudication]:
    """Return the decisions that count, one a pair, oldest first."""
    found = database.read(
        f"SELECT {COLUMNS} FROM adjudications WHERE undone_at IS NULL ORDER BY created_at, adjudication_id"
    )
    return [Adjudication(*row) for row in found]


def decide(database: Database, pair: tuple[str, str], mark: str, who: str, note: str = "") -> Adjudication:
    """Store a decision on a pair that has none.

    Raises UsageError where a word cannot stand, a side is not there, the person has rated the pair, or somebody decided
    about it meanwhile.
    """
    if mark not in MARKS:
        raise UsageError(f"There is no mark '{brief(mark)}' to decide on: use {', '.join(MARKS)}.")
    note, who, now = note_of(note), rater_name(who), utc_now()
    with database.write() as cursor:
        check_pair_exists(cursor, *pair)
        rated = "SELECT 1 FROM ratings WHERE (query_id, study_id, who, source) = (?, ?, ?, '') AND undone_at IS NULL"
        if cursor.execute(f"{rated} AND mark <> 'skip'", [*pair, who]).fetchone():
            raise UsageError("You have rated this pair: a decision is for somebody who has not.")
        decided = "SELECT who FROM adjudications WHERE (query_id, study_id) = (?, ?) AND undone_at IS NULL"
        if earlier := cursor.execute(decided, [*pair]).fetchone():
            raise UsageError(f"{earlier[0]} has decided about this pair meanwhile: take that back first.")
        version = guideline_in_force(cursor)
        made = Adjudication(f"d-{secrets.token_hex(6)}", *pair, mark, note, version, who, now)
        cursor.execute(
            f"INSERT INTO adjudications ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [made.adjudication_id, *pair, mark, note, version, who, now],
        )
    return made


def undo(database: Database, adjudication_id: str) -> None:
    """Take a decision back: the ratings count again."""
    with database.write() as cursor:
        cursor.execute(
            "UPDATE adjudications SET undone_at = ? WHERE adjudication_id = ? AND undone_at IS NULL",
            [utc_now(), adjudication_id],
        )
