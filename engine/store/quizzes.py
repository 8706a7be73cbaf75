"""Quizzes: their rows, their questions, and the studies that a quiz may ask about.

Functions on a cursor run inside the caller's transaction. The rules stand in engine.teaching.quizzes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import duckdb

from engine.actor import Actor
from engine.reference import ReferenceFinding, checked_in, findings_in
from engine.store import permission
from engine.store.database import Database
from engine.store.filters import Clause
from engine.study import Modality

Asks = Literal["one", "all", "text", "region"]
"""one: which single label a case carries; all: which of the options it carries; text: what it shows, in own words;
region: where on the film it shows, by a box."""

Visibility = Literal["private", "link", "everybody"]
VISIBILITIES: tuple[Visibility, ...] = ("private", "link", "everybody")
"""private: for its makers; link: for whoever has the link; everybody: listed."""

Region = tuple[float, float, float, float]
"""Left, top, right and bottom of a box on a film, as shares 0..1 of its width and height."""

Order = Literal["fixed", "shuffled"]
ORDERS: tuple[Order, ...] = ("fixed", "shuffled")

LISTED = (
    "SELECT q.quiz_id, q.title, q.asks, q.question_order, q.seed, q.source, q.who, q.created_at,"
    " (SELECT count(*) FROM quiz_questions one WHERE one.quiz_id = q.quiz_id),"
    " q.visibility, q.due_at, q.closed_at, q.question_s, q.quiz_s"
    " FROM quizzes q WHERE q.deleted_at IS NULL"
)
KNOWN = (  # further columns of a study of whose findings something is known, without reading those of all others
    "CASE WHEN json_exists(s.extra, '$.reference_findings') OR json_exists(s.extra, '$.checked_labels')"
    " THEN s.extra END"
)
CANDIDATE = f"s.study_id, s.patient_id, s.encounter_id, s.modality, s.labels, s.fingerprint, {KNOWN}"


@dataclass(frozen=True)
class Quiz:
    """A fixed set of questions. Times are naive UTC.

    source     : what it was built from, in words; "" for whoever did not make it, as it may name an answer
    due_at     : of homework; later answers are marked late
    closed_at  : from then on no answer is taken
    question_s, quiz_s : limits in seconds for each question and for all of them; 0 for none
    """

    quiz_id: str
    title: str
    asks: Asks
    order: Order
    seed: int
    source: str
    who: str
    created_at: datetime
    questions: int
    visibility: Visibility = "link"
    due_at: datetime | None = None
    closed_at: datetime | None = None
    question_s: int = 0
    quiz_s: int = 0


@dataclass(frozen=True)
class StoredQuestion:
    """One question as it was built.

    labelled : those of the options that the case carries in this collection; without options, all that it carries,
               the one that is asked for first
    region   : where the maker sees it on a film
    discussion : what the maker says of the case once it was answered
    """

    number: int
    study_id: str
    modality: Modality
    options: tuple[str, ...]
    labelled: tuple[str, ...]
    note: str
    region: Region | None = None
    discussion: str = ""


@dataclass(frozen=True)
class Candidate:
    """A study that a quiz may ask about.

    reference : what is known for sure of its findings
    checked   : the labels that it shows by the checks of its cohort; None where nothing was checked
    """

    study_id: str
    patient_id: str
    encounter_id: str
    modality: Modality
    labels: tuple[str, ...]
    fingerprint: str
    note: str = ""
    reference: tuple[ReferenceFinding, ...] = ()
    checked: frozenset[str] | None = None

    @property
    def asked_labels(self) -> tuple[str, ...]:
        """The labels that a quiz may ask for: those that it shows, where that was checked."""
        return self.labels if self.checked is None else tuple(one for one in self.labels if one in self.checked)


def read_quizzes(database: Database) -> list[Quiz]:
    """Return all quizzes that are not deleted, the newest first."""
    return [Quiz(*row) for row in database.read(f"{LISTED} ORDER BY q.created_at DESC, 1")]


def find(database: Database, quiz_id: str) -> Quiz | None:
    """Return one quiz; None where there is none or it was deleted."""
    rows = database.read(f"{LISTED} AND q.quiz_id = ?", [quiz_id])
    return Quiz(*rows[0]) if rows else None


def insert(cursor: duckdb.DuckDBPyConnection, quiz: Quiz, questions: Sequence[StoredQuestion]) -> None:
    """Append a quiz with all its questions."""
    cursor.execute(
        "INSERT INTO quizzes (quiz_id, title, asks, question_order, seed, source, who, created_at, visibility, due_at,"
        " question_s, quiz_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(quiz.quiz_id, quiz.title, quiz.asks, quiz.order, quiz.seed, quiz.source, quiz.who, quiz.created_at),
            *(quiz.visibility, quiz.due_at, quiz.question_s, quiz.quiz_s),
        ],
    )
    cursor.executemany(
        "INSERT INTO quiz_questions (quiz_id, number, study_id, modality, options, labelled, note, region)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [
                *(quiz.quiz_id, one.number, one.study_id, one.modality),
                *(list(one.options), list(one.labelled), one.note, as_list(one.region)),
            ]
            for one in questions
        ],
    )


def as_list(region: Region | None) -> list[float] | None:
    """Return a region as its column takes it."""
    return None if region is None else list(region)


def as_region(column: list[float] | None) -> Region | None:
    """Return the region that a column holds."""
    return None if column is None else (column[0], column[1], column[2], column[3])


def set_times(
    cursor: duckdb.DuckDBPyConnection, quiz_id: str, *, due_at: datetime | None, closed_at: datetime | None
) -> None:
    """Replace when a quiz is due and when it was closed."""
    cursor.execute("UPDATE quizzes SET due_at = ?, closed_at = ? WHERE quiz_id = ?", [due_at, closed_at, quiz_id])


def discussion(cursor: duckdb.DuckDBPyConnection, quiz_id: str, number: int) -> str | None:
    """Return what the maker says of a case; None where there is no such question."""
    sql = "SELECT discussion FROM quiz_questions WHERE quiz_id = ? AND number = ?"
    row = cursor.execute(sql, [quiz_id, number]).fetchone()
    return None if row is None else str(row[0])


def set_discussion(cursor: duckdb.DuckDBPyConnection, quiz_id: str, number: int, words: str) -> None:
    """Replace what the maker says of a case."""
    sql = "UPDATE quiz_questions SET discussion = ? WHERE quiz_id = ? AND number = ?"
    cursor.execute(sql, [words, quiz_id, number])


def set_visibility(cursor: duckdb.DuckDBPyConnection, quiz_id: str, visibility: Visibility) -> None:
    """Replace who sees a quiz."""
    cursor.execute("UPDATE quizzes SET visibility = ? WHERE quiz_id = ?", [visibility, quiz_id])


def accept(cursor: duckdb.DuckDBPyConnection, quiz_id: str, number: int, words: str, when: datetime) -> None:
    """Append words that count as right for a question as well."""
    cursor.execute("INSERT INTO accepted_answers VALUES (?, ?, ?, ?, NULL)", [quiz_id, number, words, when])


def withdraw(cursor: duckdb.DuckDBPyConnection, quiz_id: str, number: int, words: str, when: datetime) -> None:
    """Take accepted words back."""
    sql = "UPDATE accepted_answers SET withdrawn_at = ? WHERE quiz_id = ? AND number = ? AND words = ?"
    cursor.execute(f"{sql} AND withdrawn_at IS NULL", [when, quiz_id, number, words])


def accepted_words(database: Database, quiz_ids: Sequence[str]) -> dict[tuple[str, int], frozenset[str]]:
    """Return (quiz id, question number) → the words that count as right as well."""
    rows = database.read(
        "SELECT quiz_id, number, list(words) FROM accepted_answers WHERE withdrawn_at IS NULL"
        " AND list_contains(?, quiz_id) GROUP BY 1, 2",
        [list(quiz_ids)],
    )
    return {(quiz_id, number): frozenset(words) for quiz_id, number, words in rows}


def set_deleted(cursor: duckdb.DuckDBPyConnection, quiz_id: str, when: datetime | None) -> None:
    """Take a quiz off the list, or put it back where `when` is None."""
    cursor.execute("UPDATE quizzes SET deleted_at = ? WHERE quiz_id = ?", [when, quiz_id])


def read_questions(database: Database, actor: Actor, quiz_id: str) -> list[StoredQuestion]:
    """Return the questions whose case the actor may see, in their order."""
    rows = permission.read(
        database,
        actor,
        "SELECT o.number, o.study_id, o.modality, o.options, o.labelled, o.note, o.region, o.discussion"
        " FROM quiz_questions o JOIN permitted_studies s ON s.study_id = o.study_id"
        " WHERE o.quiz_id = ? ORDER BY o.number",
        [quiz_id],
    )
    return [
        StoredQuestion(number, study_id, modality, tuple(options), tuple(labelled), note, as_region(region), discussion)
        for number, study_id, modality, options, labelled, note, region, discussion in rows
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
    study_id, patient_id, encounter_id, modality, labels, fingerprint, known, note = row
    columns = known_columns(known)
    return Candidate(
        *(study_id, patient_id, encounter_id, modality, tuple(labels), fingerprint, note),
        reference=findings_in(columns),
        checked=checked_in(columns),
    )


def known_columns(column: str | None) -> dict[str, Any]:
    """Return what KNOWN selects as columns; none where it selects nothing."""
    return dict(json.loads(column)) if column else {}
