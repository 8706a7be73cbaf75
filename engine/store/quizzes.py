"""Quizzes: their rows, their questions, and the studies that a quiz may ask about.

Functions on a cursor run inside the caller's transaction. The rules stand in engine.teaching.quizzes.
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
from engine.store.filters import Clause
from engine.study import Modality

Asks = Literal["one", "all"]
"""one: which single label a case carries; all: which of the options it carries."""

Order = Literal["fixed", "shuffled"]
ORDERS: tuple[Order, ...] = ("fixed", "shuffled")

LISTED = (
    "SELECT q.quiz_id, q.title, q.asks, q.question_order, q.seed, q.source, q.who, q.created_at,"
    " (SELECT count(*) FROM quiz_questions one WHERE one.quiz_id = q.quiz_id)"
    " FROM quizzes q WHERE q.deleted_at IS NULL"
)
CANDIDATE = "s.study_id, s.patient_id, s.encounter_id, s.modality, s.labels, s.fingerprint"


@dataclass(frozen=True)
class Quiz:
    """A fixed set of questions; `source` says in words what it was built from."""

    quiz_id: str
    title: str
    asks: Asks
    order: Order
    seed: int
    source: str
    who: str
    created_at: datetime
    questions: int


@dataclass(frozen=True)
class StoredQuestion:
    """One question as it was built. `labelled` are those of the options that the case carries in this collection."""

    number: int
    study_id: str
    modality: Modality
    options: tuple[str, ...]
    labelled: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Candidate:
    """A study that a quiz may ask about."""

    study_id: str
    patient_id: str
    encounter_id: str
    modality: Modality
    labels: tuple[str, ...]
    fingerprint: str
    note: str = ""


def read_quizzes(database: Database) -> list[Quiz]:
    """Return all quizzes that are not deleted, the newest first."""
    return [Quiz(*row) for row in database.read(f"{LISTED} ORDER BY q.created_at DESC, 1")]


def find(database: Database, quiz_id: str) -> Quiz | None:
    """Return one quiz; None where there is none or it was deleted."""
    rows = database.read(f"{LISTED} AND q.quiz_id = ?", [quiz_id])
    return Quiz(*rows[0]) if rows else None


def insert(cursor: duckdb.DuckDBPyConnection, quiz: Quiz, questions: Sequence[StoredQuestion]) -> None:
    """Append a quiz with all its questions."""
    row = [quiz.quiz_id, quiz.title, quiz.asks, quiz.order, quiz.seed, quiz.source, quiz.who, quiz.created_at]
    cursor.execute("INSERT INTO quizzes VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)
    cursor.executemany(
        "INSERT INTO quiz_questions VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            [quiz.quiz_id, one.number, one.study_id, one.modality, list(one.options), list(one.labelled), one.note]
            for one in questions
        ],
    )


def set_deleted(cursor: duckdb.DuckDBPyConnection, quiz_id: str, when: datetime | None) -> None:
    """Take a quiz off the list, or put it back where `when` is None."""
    cursor.execute("UPDATE quizzes SET deleted_at = ? WHERE quiz_id = ?", [when, quiz_id])


def read_questions(database: Database, actor: Actor, quiz_id: str) -> list[StoredQuestion]:
    """Return the questions whose case the actor may see, in their order."""
    rows = permission.read(
        database,
        actor,
        "SELECT o.number, o.study_id, o.modality, o.options, o.labelled, o.note FROM quiz_questions o"
        " JOIN permitted_studies s ON s.study_id = o.study_id WHERE o.quiz_id = ? ORDER BY o.number",
        [quiz_id],
    )
    return [
        StoredQuestion(number, study_id, modality, tuple(options), tuple(labelled), note)
        for number, study_id, modality, options, labelled, note in rows
    ]


def collection_candidates(database: Database, actor: Actor, collection_id: str) -> list[Candidate]:
    """Return the collection's cases that the actor may see, in its order, with or without labels."""
    sql = (
        f"SELECT {CANDIDATE}, c.note FROM collection_cases c JOIN permitted_studies s USING (study_id)"
        " WHERE c.removed_at IS NULL AND c.collection_id = ? ORDER BY c.place"
    )
    return [_candidate(row) for row in permission.read(database, actor, sql, [collection_id])]


def labelled_candidates(
    database: Database, actor: Actor, modalities: Sequence[Modality], clauses: Sequence[Clause]
) -> list[Candidate]:
    """Return the labelled studies of these modalities that meet every clause, in the order of their ids."""
    conditions = "".join(f" AND {clause.sql}" for clause in clauses)
    sql = (
        f"SELECT {CANDIDATE}, '' FROM permitted_studies s"
        f" WHERE len(s.labels) > 0 AND list_contains(?, s.modality){conditions} ORDER BY 1"
    )
    values = [list(modalities), *(value for clause in clauses for value in clause.values)]
    return [_candidate(row) for row in permission.read(database, actor, sql, values)]


def question_candidates(database: Database, actor: Actor, quiz_ids: Sequence[str]) -> dict[tuple[str, int], Candidate]:
    """Return (quiz id, question number) → the study asked about, of those that the actor may see."""
    rows = permission.read(
        database,
        actor,
        f"SELECT o.quiz_id, o.number, {CANDIDATE}, o.note"
        " FROM quiz_questions o JOIN permitted_studies s ON s.study_id = o.study_id WHERE list_contains(?, o.quiz_id)",
        [list(quiz_ids)],
    )
    return {(quiz_id, number): _candidate(about) for quiz_id, number, *about in rows}


def _candidate(row: Sequence[Any]) -> Candidate:
    study_id, patient_id, encounter_id, modality, labels, fingerprint, note = row
    return Candidate(study_id, patient_id, encounter_id, modality, tuple(labels), fingerprint, note)
