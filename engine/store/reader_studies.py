"""Reader studies: protocol, cases with their truth, readers, the order in which they read, and what they answered.

Rows are appended; a protocol is written anew as a whole until the first case is shown. Functions on a cursor run inside
the caller's transaction. The rules stand in engine.reader_study.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import duckdb

from engine.actor import Actor
from engine.store import permission
from engine.store.database import Database
from engine.study import Modality

Arm = Literal["without", "with"]
ARMS: tuple[Arm, ...] = ("without", "with")
"""Without neighbours, and with them."""

SESSIONS = (1, 2)
OF_PROTOCOL = ("reader_study_cases", "reader_study_readers", "reader_study_order")
LISTED = """
    SELECT k.reader_study_id, k.title, k.who, p.created_at, k.closed_at, p.words, p.digest, p.version
    FROM reader_studies k JOIN reader_study_protocols p USING (reader_study_id)
    WHERE p.version = (SELECT max(version) FROM reader_study_protocols v WHERE v.reader_study_id = k.reader_study_id)"""
READINGS = """
    SELECT o.reader, o.session, o.place, o.number, o.arm, c.study_id, s.modality, s.encounter_id, t.opened_at,
        a.ratings, a.present, a.visible_s, a.answered_at
    FROM reader_study_order o JOIN reader_study_cases c USING (reader_study_id, number)
    JOIN permitted_studies s ON s.study_id = c.study_id
    LEFT JOIN reader_study_openings t USING (reader_study_id, reader, session, number)
    LEFT JOIN reader_study_answers a USING (reader_study_id, reader, session, number)
    WHERE o.reader_study_id = ? AND (? IS NULL OR o.reader = ?) ORDER BY o.reader, o.session, o.place"""
# Of a reader, or of a browser that opened the study where nobody signs in: until the study is closed.
WITHHELD = """
    SELECT DISTINCT s.encounter_id FROM reader_studies k JOIN reader_study_cases c USING (reader_study_id)
    JOIN studies s ON s.study_id = c.study_id
    WHERE k.closed_at IS NULL AND (
        k.reader_study_id IN (SELECT reader_study_id FROM reader_study_readers r WHERE r.who = ?)
        OR k.reader_study_id IN (
            SELECT subject_id FROM teaching_rights t WHERE t.session = ? AND t.right_to = 'learn'))
    ORDER BY 1"""


@dataclass(frozen=True)
class StoredReaderStudy:
    """A reader study with the protocol that counts, and when that was written.

    words : canonical JSON, of which digest is the SHA-256
    """

    reader_study_id: str
    title: str
    who: str
    created_at: datetime
    closed_at: datetime | None
    words: str
    digest: str
    version: int


@dataclass(frozen=True)
class OrderedReading:
    """Which case a reader reads in which arm, at which place of a session."""

    reader: int
    session: int
    place: int
    number: int
    arm: Arm


@dataclass(frozen=True)
class StudyCase:
    """A case with its truth, one bool per finding of the protocol."""

    number: int
    study_id: str
    truth: tuple[bool, ...]


@dataclass(frozen=True)
class Judgement:
    """What a reader says of a case, per finding: a rating and whether it is present; and for how long it was seen."""

    ratings: tuple[int, ...]
    present: tuple[bool, ...]
    visible_s: float
    answered_at: datetime


@dataclass(frozen=True)
class Reading:
    """One reading of the plan with how far it is. opened_at, judgement : None until then"""

    reader: int
    session: int
    place: int
    number: int
    arm: Arm
    study_id: str
    modality: Modality
    encounter_id: str
    opened_at: datetime | None = None
    judgement: Judgement | None = None


def insert(cursor: duckdb.DuckDBPyConnection, reader_study_id: str, title: str, who: str, when: datetime) -> None:
    """Append a reader study."""
    cursor.execute("INSERT INTO reader_studies VALUES (?, ?, ?, ?, NULL)", [reader_study_id, title, who, when])


def set_protocol(
    cursor: duckdb.DuckDBPyConnection,
    study: StoredReaderStudy,
    cases: Sequence[StudyCase],
    readers: Sequence[str],
    order: Sequence[OrderedReading],
) -> None:
    """Append a version of the protocol, and put its cases, readers and order in the place of the former one's."""
    one = study.reader_study_id
    cursor.execute("UPDATE reader_studies SET title = ? WHERE reader_study_id = ?", [study.title, one])
    cursor.execute(
        "INSERT INTO reader_study_protocols VALUES (?, ?, ?, ?, ?)",
        [one, study.version, study.words, study.digest, study.created_at],
    )
    for table in OF_PROTOCOL:
        cursor.execute(f"DELETE FROM {table} WHERE reader_study_id = ?", [one])
    cursor.executemany(
        "INSERT INTO reader_study_cases VALUES (?, ?, ?, ?)",
        [[one, case.number, case.study_id, list(case.truth)] for case in cases],
    )
    cursor.executemany(
        "INSERT INTO reader_study_readers VALUES (?, ?, ?)",
        [[one, number, who] for number, who in enumerate(readers, start=1)],
    )
    cursor.executemany(
        "INSERT INTO reader_study_order VALUES (?, ?, ?, ?, ?, ?)",
        [[one, read.reader, read.session, read.place, read.number, read.arm] for read in order],
    )


def read_all(database: Database) -> list[StoredReaderStudy]:
    """Return all reader studies, the newest first."""
    return [StoredReaderStudy(*row) for row in database.read(f"{LISTED} ORDER BY k.created_at DESC, 1")]


def find(database: Database, reader_study_id: str) -> StoredReaderStudy | None:
    """Return one reader study; None where there is none."""
    rows = database.read(f"{LISTED} AND k.reader_study_id = ?", [reader_study_id])
    return StoredReaderStudy(*rows[0]) if rows else None


def readers(database: Database, reader_study_id: str) -> dict[str, int]:
    """Return name → number of the readers, in the order of their numbers."""
    sql = "SELECT who, reader FROM reader_study_readers WHERE reader_study_id = ? ORDER BY reader"
    return dict(database.read(sql, [reader_study_id]))


def read_by(database: Database, who: str) -> frozenset[str]:
    """Return the reader studies that somebody is a reader of."""
    sql = "SELECT reader_study_id FROM reader_study_readers WHERE who = ?"
    return frozenset(one for (one,) in database.read(sql, [who]))


def truths(database: Database, actor: Actor, reader_study_id: str) -> dict[int, tuple[bool, ...]]:
    """Return number → truth of the cases that the actor may see."""
    rows = permission.read(
        database,
        actor,
        "SELECT c.number, c.truth FROM reader_study_cases c JOIN permitted_studies s ON s.study_id = c.study_id"
        " WHERE c.reader_study_id = ? ORDER BY 1",
        [reader_study_id],
    )
    return {number: tuple(truth) for number, truth in rows}


def readings(database: Database, actor: Actor, reader_study_id: str, reader: int | None = None) -> list[Reading]:
    """Return the readings of one reader, or of all, whose case the actor may see, in their order."""
    found = permission.read(database, actor, READINGS, [reader_study_id, reader, reader])
    return [_reading(row) for row in found]


def is_begun(cursor: duckdb.DuckDBPyConnection, reader_study_id: str) -> bool:
    """Return whether a case was shown to anybody."""
    sql = "SELECT 1 FROM reader_study_openings WHERE reader_study_id = ? LIMIT 1"
    return cursor.execute(sql, [reader_study_id]).fetchone() is not None


def open_reading(cursor: duckdb.DuckDBPyConnection, reader_study_id: str, reading: Reading, when: datetime) -> None:
    """Append that a case is shown; once is enough."""
    key = [reader_study_id, reading.reader, reading.session, reading.number]
    sql = "SELECT 1 FROM reader_study_openings WHERE reader_study_id = ? AND reader = ? AND session = ? AND number = ?"
    if cursor.execute(sql, key).fetchone() is None:
        cursor.execute("INSERT INTO reader_study_openings VALUES (?, ?, ?, ?, ?)", [*key, when])


def insert_neighbours(
    cursor: duckdb.DuckDBPyConnection, reader_study_id: str, reading: Reading, release: str, shown: Sequence[str]
) -> None:
    """Append what is shown beside a case; what a reader sees again after a reload is not written again."""
    key = [reader_study_id, reading.reader, reading.session, reading.number]
    sql = (
        "SELECT 1 FROM reader_study_neighbours WHERE reader_study_id = ? AND reader = ? AND session = ? AND number = ?"
    )
    if shown and cursor.execute(sql, key).fetchone() is None:
        rows = [[*key, release, rank, study_id] for rank, study_id in enumerate(shown, start=1)]
        cursor.executemany("INSERT INTO reader_study_neighbours VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def shown_beside(database: Database, reader_study_id: str, reading: Reading) -> list[tuple[str, str]]:
    """Return (release, study id) of what was shown beside a case, in order."""
    sql = (
        "SELECT release, study_id FROM reader_study_neighbours"
        " WHERE reader_study_id = ? AND reader = ? AND session = ? AND number = ? ORDER BY rank"
    )
    return database.read(sql, [reader_study_id, reading.reader, reading.session, reading.number])


def is_answered(cursor: duckdb.DuckDBPyConnection, reader_study_id: str, reading: Reading) -> bool:
    """Return whether a reading has its answer."""
    sql = "SELECT 1 FROM reader_study_answers WHERE reader_study_id = ? AND reader = ? AND session = ? AND number = ?"
    key = [reader_study_id, reading.reader, reading.session, reading.number]
    return cursor.execute(sql, key).fetchone() is not None


def insert_answer(cursor: duckdb.DuckDBPyConnection, reader_study_id: str, reading: Reading, given: Judgement) -> None:
    """Append an answer."""
    cursor.execute(
        "INSERT INTO reader_study_answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(reader_study_id, reading.reader, reading.session, reading.number),
            *(list(given.ratings), list(given.present), given.visible_s, given.answered_at),
        ],
    )


def is_closed(cursor: duckdb.DuckDBPyConnection, reader_study_id: str) -> bool:
    """Return whether a reader study is closed."""
    sql = "SELECT closed_at IS NOT NULL FROM reader_studies WHERE reader_study_id = ?"
    row = cursor.execute(sql, [reader_study_id]).fetchone()
    return row is not None and bool(row[0])


def set_closed(cursor: duckdb.DuckDBPyConnection, reader_study_id: str, when: datetime) -> None:
    """Note when a reader study was closed."""
    cursor.execute("UPDATE reader_studies SET closed_at = ? WHERE reader_study_id = ?", [when, reader_study_id])


def withheld_encounters(database: Database, who: str, session: str) -> tuple[str, ...]:
    """Return the encounters of the cases of open reader studies that somebody reads, in order.

    who : the name of an account; "" where nobody signs in, and the session of the browser stands for the reader
    """
    return tuple(one for (one,) in database.read(WITHHELD, [who, session]))


def _reading(row: tuple[Any, ...]) -> Reading:
    reader, session, place, number, arm, study_id, modality, encounter_id, opened_at, *judged = row
    ratings, present, visible_s, answered_at = judged
    given = None if ratings is None else Judgement(tuple(ratings), tuple(present), visible_s, answered_at)
    return Reading(reader, session, place, number, arm, study_id, modality, encounter_id, opened_at, given)
