"""Who made a quiz or a collection, who opened a quiz, and what of the studies is withheld from whom.

A person is known by the session of their browser. Functions on a cursor run inside the caller's transaction. The rules
stand in engine.teaching.access.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import duckdb

from engine.files import utc_now
from engine.store.database import Database

Right = Literal["make", "learn"]

# A question is open to a learner until every run of theirs has an answer to it, and while there is no run.
WITHHELD = """
    SELECT DISTINCT s.encounter_id FROM teaching_rights r JOIN quizzes q ON q.quiz_id = r.subject_id
    JOIN quiz_questions o ON o.quiz_id = q.quiz_id JOIN studies s ON s.study_id = o.study_id
    WHERE r.session = $1 AND r.right_to = 'learn' AND q.deleted_at IS NULL AND q.closed_at IS NULL
    AND q.quiz_id NOT IN (
        SELECT m.subject_id FROM teaching_rights m WHERE m.session = $1 AND m.right_to = 'make')
    AND NOT coalesce((
        SELECT bool_and(a.run_id IS NOT NULL) FROM quiz_runs u JOIN run_questions n ON n.run_id = u.run_id
        LEFT JOIN quiz_answers a ON a.run_id = n.run_id AND a.place = n.place
        WHERE u.session = $1 AND u.quiz_id = q.quiz_id AND n.number = o.number), false)
    ORDER BY 1"""


def grant(cursor: duckdb.DuckDBPyConnection, subject_id: str, session: str, right: Right) -> None:
    """Note a right; once is enough."""
    sql = "SELECT 1 FROM teaching_rights WHERE subject_id = ? AND session = ? AND right_to = ?"
    if cursor.execute(sql, [subject_id, session, right]).fetchone() is None:
        cursor.execute("INSERT INTO teaching_rights VALUES (?, ?, ?, ?)", [subject_id, session, right, utc_now()])


def subjects(database: Database, session: str, right: Right) -> frozenset[str]:
    """Return what a session has a right to."""
    sql = "SELECT subject_id FROM teaching_rights WHERE session = ? AND right_to = ?"
    return frozenset(subject_id for (subject_id,) in database.read(sql, [session, right]))


def made_by(database: Database, names: Sequence[str]) -> frozenset[str]:
    """Return the quizzes, collections and reader studies that people of these names made."""
    sql = "SELECT {0}_id FROM {1} WHERE who IN (SELECT unnest(?::VARCHAR[]))"
    kinds = (("quiz", "quizzes"), ("collection", "collections"), ("reader_study", "reader_studies"))
    every = " UNION ALL ".join(sql.format(*one) for one in kinds)
    return frozenset(subject_id for (subject_id,) in database.read(every, [list(names)] * len(kinds)))


def has_maker(database: Database, subject_id: str) -> bool:
    """Return whether a browser is known to have made something."""
    sql = "SELECT 1 FROM teaching_rights WHERE subject_id = ? AND right_to = 'make' LIMIT 1"
    return bool(database.read(sql, [subject_id]))


def set_key(cursor: duckdb.DuckDBPyConnection, subject_id: str, key_hash: str, when: datetime) -> None:
    """Append the hash of a maker's key; it takes the place of the earlier one."""
    cursor.execute("INSERT INTO teaching_keys VALUES (?, ?, ?)", [subject_id, key_hash, when])


def key_hash(database: Database, subject_id: str) -> str | None:
    """Return the hash of the maker's key that counts; None where there is none."""
    sql = "SELECT key_hash FROM teaching_keys WHERE subject_id = ? ORDER BY created_at DESC LIMIT 1"
    found = database.read(sql, [subject_id])
    return str(found[0][0]) if found else None


def withheld_encounters(database: Database, session: str) -> tuple[str, ...]:
    """Return the encounters of the cases of open quizzes that a session has yet to answer, in order."""
    return tuple(encounter_id for (encounter_id,) in database.read(WITHHELD, [session]))
