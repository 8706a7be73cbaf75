"""Runs through quizzes and the answers given in them. An answer is written once and never changed.

A run belongs to the actor who began it; its alias is the name that the learner goes by. Functions on a cursor run
inside the caller's transaction. The rules stand in engine.teaching.runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from engine.actor import Actor
from engine.files import utc_now
from engine.reference import ReferenceFinding, findings_in, of_label
from engine.store import permission
from engine.store.database import Database
from engine.store.quizzes import KNOWN, Asks, Order, Region, accepted_words, as_list, as_region, known_columns
from engine.study import Modality

ASKED = f"""
    SELECT r.place, o.quiz_id, o.number, o.study_id, o.modality, q.asks, o.options, o.labelled, o.note, o.region,
        o.discussion, t.opened_at, a.chosen, a.is_right, a.answered_at, a.region,
        coalesce(a.answered_at > q.due_at, false), {KNOWN}
    FROM run_questions r JOIN quiz_questions o ON o.quiz_id = r.quiz_id AND o.number = r.number
    JOIN quizzes q ON q.quiz_id = o.quiz_id JOIN permitted_studies s ON s.study_id = o.study_id
    LEFT JOIN quiz_answers a ON a.run_id = r.run_id AND a.place = r.place
    LEFT JOIN question_openings t ON t.run_id = r.run_id AND t.place = r.place
    WHERE r.run_id = ? ORDER BY r.place"""
ANSWERS = """
    SELECT u.who, u.alias, u.attempt, o.number, o.study_id, s.modality, s.synthetic, o.options, o.labelled, a.chosen,
        a.is_right, a.answered_at, a.region, coalesce(a.answered_at > q.due_at, false), u.question_order, u.seed,
        u.session
    FROM quiz_answers a JOIN quiz_runs u USING (run_id)
    JOIN run_questions r ON r.run_id = a.run_id AND r.place = a.place
    JOIN quiz_questions o ON o.quiz_id = r.quiz_id AND o.number = r.number
    JOIN quizzes q ON q.quiz_id = o.quiz_id JOIN permitted_studies s ON s.study_id = o.study_id
    WHERE u.quiz_id = ? ORDER BY lower(u.alias), u.who, u.session, u.attempt, a.answered_at"""
RUN = "SELECT run_id, quiz_id, alias, attempt, seed, question_order, started_at FROM quiz_runs"
MINE = "(session = ? OR session = '' OR ? = '')"  # of this browser, of no browser, or asked on the machine itself


@dataclass(frozen=True)
class Given:
    """One committed answer: options or words, or a region; neither where time was over before any was given.

    late : after the quiz was due
    """

    chosen: tuple[str, ...]
    right: bool
    answered_at: datetime
    region: Region | None = None
    late: bool = False

    @property
    def missing(self) -> bool:
        """Whether nothing was given in time."""
        return not self.chosen and self.region is None


@dataclass(frozen=True)
class QuizQuestion:
    """One question of a run, as engine.store.quizzes has it.

    opened_at : when the learner first saw it
    reference : what is known for sure of the labelled findings that have a place on the film
    """

    position: int
    quiz_id: str
    number: int
    study_id: str
    modality: Modality
    asks: Asks
    options: tuple[str, ...]
    labelled: tuple[str, ...]
    note: str
    region: Region | None
    discussion: str
    opened_at: datetime | None
    given: Given | None
    reference: tuple[ReferenceFinding, ...] = ()

    @property
    def wanted(self) -> tuple[Region, ...]:
        """The boxes of which a region has to agree with one: the maker's own, else those of the asked finding."""
        if self.region is not None:
            return (self.region,)
        return tuple(box for one in of_label(self.reference, self.labelled[0]) for box in one.boxes)


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
    started_at: datetime
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
    """One answer of one attempt at a quiz, with the learner, the question and the case.

    learner : tells apart two learners of one alias
    """

    who: str
    alias: str
    attempt: int
    number: int
    study_id: str
    modality: Modality
    synthetic: bool
    options: tuple[str, ...]
    labelled: tuple[str, ...]
    given: Given
    order: Order
    seed: int
    learner: tuple[str, str, str]


def insert(cursor: duckdb.DuckDBPyConnection, actor: Actor, run: NewRun, asked: Sequence[tuple[str, int]]) -> None:
    """Append a run of the actor and what it asks: (quiz id, question number) in order."""
    row = [run.run_id, run.quiz_id, run.alias, run.attempt, run.seed, run.order, utc_now(), actor.name, actor.session]
    cursor.execute(
        "INSERT INTO quiz_runs (run_id, quiz_id, alias, attempt, seed, question_order, started_at, who, session)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    rows = [[run.run_id, position, *one] for position, one in enumerate(asked, start=1)]
    cursor.executemany("INSERT INTO run_questions VALUES (?, ?, ?, ?)", rows)


def attempts(database: Database, actor: Actor, quiz_id: str, alias: str) -> list[str]:
    """Return the ids of the runs of a quiz under an alias that the actor began in this browser, the latest first.

    Runs of no browser, from before browsers were told apart, are anybody's who has the actor's name.
    """
    sql = (
        "SELECT run_id FROM quiz_runs WHERE who = ? AND quiz_id = ? AND lower(alias) = lower(?)"
        f" AND {MINE} ORDER BY attempt DESC"
    )
    values = [actor.name, quiz_id, alias, actor.session, actor.session]
    return [run_id for (run_id,) in database.read(sql, values)]


def is_taken(database: Database, actor: Actor, quiz_id: str, alias: str) -> bool:
    """Return whether somebody else of the actor's name, in another browser, goes by this alias in a quiz."""
    sql = f"SELECT 1 FROM quiz_runs WHERE who = ? AND quiz_id = ? AND lower(alias) = lower(?) AND NOT {MINE} LIMIT 1"
    return bool(database.read(sql, [actor.name, quiz_id, alias, actor.session, actor.session]))


def find(database: Database, actor: Actor, run_id: str) -> Run | None:
    """Return a run of the actor with the questions whose case may be shown; None where it has none of this id."""
    rows = database.read(f"{RUN} WHERE run_id = ? AND who = ?", [run_id, actor.name])
    if not rows:
        return None
    asked = tuple(_question(row) for row in permission.read(database, actor, ASKED, [run_id]))
    total = database.read("SELECT count(*) FROM run_questions WHERE run_id = ?", [run_id])[0][0]
    accepted = accepted_words(database, list({one.quiz_id for one in asked}))
    asked = tuple(_with_accepted(one, accepted.get((one.quiz_id, one.number), frozenset())) for one in asked)
    _, quiz_id, alias, attempt, seed, order, started_at = rows[0]
    return Run(run_id, quiz_id, alias, attempt, seed, order, started_at, asked, total - len(asked))


def open_question(cursor: duckdb.DuckDBPyConnection, run_id: str, position: int, when: datetime) -> None:
    """Note when a question was first shown; a later time changes nothing."""
    cursor.execute("INSERT INTO question_openings VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [run_id, position, when])


def insert_answer(cursor: duckdb.DuckDBPyConnection, run_id: str, position: int, given: Given) -> None:
    """Append the answer to the question at a position of a run."""
    row = [run_id, position, list(given.chosen), given.right, given.answered_at, as_list(given.region)]
    cursor.execute(
        "INSERT INTO quiz_answers (run_id, place, chosen, is_right, answered_at, region) VALUES (?, ?, ?, ?, ?, ?)", row
    )


def read_answers(database: Database, actor: Actor, quiz_id: str) -> list[QuizAnswer]:
    """Return every answer to a quiz whose case the actor may see: by alias, then attempt, then moment."""
    accepted = accepted_words(database, [quiz_id])
    rows = permission.read(database, actor, ANSWERS, [quiz_id])
    return [_answer(row, accepted.get((quiz_id, row[3]), frozenset())) for row in rows]


def _question(row: Sequence[Any]) -> QuizQuestion:
    position, quiz_id, number, study_id, modality, asks, options, labelled, note, region, *answered = row
    discussion, opened_at, chosen, right, when, drawn, late, known = answered
    given = None if when is None else Given(tuple(chosen), right, when, as_region(drawn), late)
    return QuizQuestion(
        *(position, quiz_id, number, study_id, modality, asks, tuple(options), tuple(labelled), note),
        *(as_region(region), discussion, opened_at, given),
        reference=tuple(one for label in labelled for one in of_label(findings_in(known_columns(known)), label)),
    )


def _with_accepted(question: QuizQuestion, accepted: frozenset[str]) -> QuizQuestion:
    """Return the question, its answer right where its words were accepted."""
    given = question.given
    if given is None or question.asks != "text":
        return question
    return replace(question, given=replace(given, right=given.right or _is_accepted(given.chosen, accepted)))


def _is_accepted(chosen: tuple[str, ...], accepted: frozenset[str]) -> bool:
    return any(words.casefold() in accepted for words in chosen)


def _answer(row: Sequence[Any], accepted: frozenset[str]) -> QuizAnswer:
    who, alias, attempt, number, study_id, modality, synthetic, options, labelled, *answered = row
    chosen, right, when, region, late, order, seed, session = answered
    counts = right or (not options and _is_accepted(tuple(chosen), accepted))
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
        given=Given(tuple(chosen), counts, when, as_region(region), late),
        order=order,
        seed=seed,
        learner=(alias.casefold(), who, session),
    )
