"""Runs through quizzes and the answers given in them. An answer is written once and never changed.

A run belongs to the actor who began it; its alias is the name that the learner goes by. Functions on a cursor run
inside the caller's transaction. The rules stand in engine.teaching.runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from engine.actor import Actor
from engine.files import utc_now
from engine.store import permission
from engine.store.database import Database
from engine.store.quizzes import Asks, Order
from engine.study import Modality

ASKED = """
    SELECT r.place, o.quiz_id, o.number, o.study_id, o.modality, q.asks, o.options, o.labelled, o.note,
        a.chosen, a.is_right, a.answered_at
    FROM run_questions r JOIN quiz_questions o ON o.quiz_id = r.quiz_id AND o.number = r.number
    JOIN quizzes q ON q.quiz_id = o.quiz_id JOIN permitted_studies s ON s.study_id = o.study_id
    LEFT JOIN quiz_answers a ON a.run_id = r.run_id AND a.place = r.place
    WHERE r.run_id = ? ORDER BY r.place"""
ANSWERS = """
    SELECT u.who, u.alias, u.attempt, o.number, o.study_id, s.modality, s.synthetic, o.options, o.labelled, a.chosen,
        a.is_right, a.answered_at, u.question_order, u.seed
    FROM quiz_answers a JOIN quiz_runs u USING (run_id)
    JOIN run_questions r ON r.run_id = a.run_id AND r.place = a.place
    JOIN quiz_questions o ON o.quiz_id = r.quiz_id AND o.number = r.number
    JOIN permitted_studies s ON s.study_id = o.study_id
    WHERE u.quiz_id = ? ORDER BY lower(u.alias), u.who, u.attempt, a.answered_at"""


@dataclass(frozen=True)
class Given:
    """One committed answer."""

    chosen: tuple[str, ...]
    right: bool
    answered_at: datetime


@dataclass(frozen=True)
class QuizQuestion:
    """One question of a run. `labelled` are those of the options that the case carries in this collection."""

    position: int
    quiz_id: str
    number: int
    study_id: str
    modality: Modality
    asks: Asks
    options: tuple[str, ...]
    labelled: tuple[str, ...]
    note: str
    given: Given | None


@dataclass(frozen=True)
class NewRun:
    """A run that begins: of a quiz, or of due cases where `quiz_id` is None."""

    run_id: str
    quiz_id: str | None
    alias: str
    attempt: int = 1
    seed: int = 0
    order: Order = "fixed"


@dataclass(frozen=True)
class Run:
    """One learner's way through a quiz, or through due cases where `quiz_id` is None.

    questions : those whose case may be shown now, in the order of this run
    hidden    : how many others there are
    """

    run_id: str
    quiz_id: str | None
    alias: str
    attempt: int
    seed: int
    order: Order
    questions: tuple[QuizQuestion, ...]
    hidden: int

    @property
    def current(self) -> QuizQuestion | None:
        """The first question without an answer; None when the run is finished."""
        return next((one for one in self.questions if one.given is None), None)

    @property
    def right(self) -> int:
        """How many answers agree with the labels."""
        return sum(one.given is not None and one.given.right for one in self.questions)


@dataclass(frozen=True)
class QuizAnswer:
    """One answer of one attempt at a quiz, with the learner, the question and the case."""

    who: str
    alias: str
    attempt: int
    number: int
    study_id: str
    modality: Modality
    synthetic: bool
    options: tuple[str, ...]
    labelled: tuple[str, ...]
    chosen: tuple[str, ...]
    right: bool
    answered_at: datetime
    order: Order
    seed: int


def insert(cursor: duckdb.DuckDBPyConnection, actor: Actor, run: NewRun, asked: Sequence[tuple[str, int]]) -> None:
    """Append a run of the actor and what it asks: (quiz id, question number) in order."""
    row = [run.run_id, run.quiz_id, run.alias, run.attempt, run.seed, run.order, utc_now(), actor.name]
    cursor.execute(
        "INSERT INTO quiz_runs (run_id, quiz_id, alias, attempt, seed, question_order, started_at, who)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    rows = [[run.run_id, position, *one] for position, one in enumerate(asked, start=1)]
    cursor.executemany("INSERT INTO run_questions VALUES (?, ?, ?, ?)", rows)


def attempts(database: Database, actor: Actor, quiz_id: str, alias: str) -> list[str]:
    """Return the ids of the actor's runs of a quiz under an alias, the latest first."""
    sql = "SELECT run_id FROM quiz_runs WHERE who = ? AND quiz_id = ? AND lower(alias) = lower(?) ORDER BY attempt DESC"
    return [run_id for (run_id,) in database.read(sql, [actor.name, quiz_id, alias])]


def find(database: Database, actor: Actor, run_id: str) -> Run | None:
    """Return a run of the actor with the questions whose case may be shown; None where it has none of this id."""
    sql = "SELECT run_id, quiz_id, alias, attempt, seed, question_order FROM quiz_runs WHERE run_id = ? AND who = ?"
    rows = database.read(sql, [run_id, actor.name])
    if not rows:
        return None
    asked = tuple(_question(row) for row in permission.read(database, actor, ASKED, [run_id]))
    total = database.read("SELECT count(*) FROM run_questions WHERE run_id = ?", [run_id])[0][0]
    _, quiz_id, alias, attempt, seed, order = rows[0]
    return Run(run_id, quiz_id, alias, attempt, seed, order, asked, total - len(asked))


def insert_answer(cursor: duckdb.DuckDBPyConnection, run_id: str, position: int, given: Given) -> None:
    """Append the answer to the question at a position of a run."""
    row = [run_id, position, list(given.chosen), given.right, given.answered_at]
    cursor.execute("INSERT INTO quiz_answers VALUES (?, ?, ?, ?, ?)", row)


def read_answers(database: Database, actor: Actor, quiz_id: str) -> list[QuizAnswer]:
    """Return every answer to a quiz whose case the actor may see: by alias, then attempt, then moment."""
    return [_answer(row) for row in permission.read(database, actor, ANSWERS, [quiz_id])]


def _question(row: Sequence[Any]) -> QuizQuestion:
    position, quiz_id, number, study_id, modality, asks, options, labelled, note, chosen, right, when = row
    given = None if when is None else Given(tuple(chosen), right, when)
    return QuizQuestion(
        position, quiz_id, number, study_id, modality, asks, tuple(options), tuple(labelled), note, given
    )


def _answer(row: Sequence[Any]) -> QuizAnswer:
    who, alias, attempt, number, study_id, modality, synthetic, options, labelled, chosen, right, when, order, seed = (
        row
    )
    return QuizAnswer(
        who=who,
        alias=alias,
        attempt=attempt,
        number=number,
        study_id=study_id,
        modality=modality,
        synthetic=synthetic,
        options=tuple(options),
        labelled=tuple(labelled),
        chosen=tuple(chosen),
        right=right,
        answered_at=when,
        order=order,
        seed=seed,
    )
