"""Results of a class, for makers alone: by question, learner and time with 95 % intervals, and every answer as CSV."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.actor import Actor
from engine.metrics.resampling import wilson
from engine.plain_text import csv_text
from engine.store.quiz_runs import QuizAnswer, read_answers
from engine.store.quizzes import Asks, Quiz, StoredQuestion
from engine.strings import notice
from engine.study import Modality
from engine.teaching import access, quizzes
from engine.workspace.workspace import Workspace

COLUMNS = (
    "quiz_id",
    "quiz_title",
    "learner",
    "attempt",
    "question",
    "study_id",
    "modality",
    "synthetic",
    "options",
    "labelled_as",
    "chosen",
    "region",
    "right",
    "answered_at",
    "late",
    "order",
    "seed",
    "notice",
)


@dataclass(frozen=True)
class Share:
    """right of n, and the 95 % interval of the share, 0..1; nothing is known of it where n is 0."""

    right: int
    n: int

    @property
    def value(self) -> float:
        """The share; NaN where n is 0."""
        return self.right / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of Wilson (1927), 0..1."""
        return wilson(self.right, self.n)


@dataclass(frozen=True)
class QuestionResult:
    """First attempts at one question.

    chosen  : how often each option was, in the order of the options; without options each answer in own words, the most
              frequent first
    counted : those of the chosen that count as right
    missing : how often time was over before an answer was given
    """

    number: int
    study_id: str
    modality: Modality
    asks: Asks
    labelled: tuple[str, ...]
    share: Share
    chosen: tuple[tuple[str, int], ...]
    counted: frozenset[str]
    missing: int


@dataclass(frozen=True)
class LearnerResult:
    """One learner's first attempt: the share that was right, and how many answers came after the quiz was due."""

    alias: str
    share: Share
    late: int


@dataclass(frozen=True)
class Results:
    """What a class answered in first attempts; unanswered questions have n = 0.

    learners : by alias: the share, and how many answers were late
    days     : (day in UTC, answers of that day), in order
    hidden   : questions whose case may no longer be shown
    """

    questions: tuple[QuestionResult, ...]
    learners: tuple[LearnerResult, ...]
    days: tuple[tuple[date, Share], ...]
    hidden: int


def results(workspace: Workspace, quiz_id: str, *, actor: Actor) -> Results:
    """Return the results of all first attempts; questions whose case may no longer be shown are left out."""
    quiz, reader = quizzes.load(workspace, quiz_id, actor=actor), actor.acting_for("teaching")
    asked = quizzes.questions(workspace, quiz_id, actor=actor)
    first = [one for one in read_answers(workspace.database, reader, quiz_id) if one.attempt == 1]
    by_number, by_learner, by_day = _grouped(first)
    return Results(
        tuple(_question(quiz, one, by_number.get(one.number, [])) for one in asked),
        tuple(_learner(answers) for _, answers in sorted(by_learner.items())),
        tuple((day, _share(answers)) for day, answers in sorted(by_day.items())),
        quiz.questions - len(asked),
    )


def answers_csv(workspace: Workspace, quiz_id: str, *, actor: Actor, bom: bool = False) -> str:
    """Return every answer of every attempt, one per row, under COLUMNS; lists joined by `;`, times ISO 8601 in UTC.

    bom : begin with a byte order mark, so that Excel takes the file for UTF-8
    """
    access.require_maker(workspace, quiz_id, actor=actor)
    quiz = quizzes.load(workspace, quiz_id, actor=actor)
    answers = read_answers(workspace.database, actor.acting_for("teaching"), quiz_id)
    return csv_text(COLUMNS, [_row(quiz, answer) for answer in answers], line_end="\n", bom=bom)


def _grouped(
    answers: Sequence[QuizAnswer],
) -> tuple[dict[int, list[QuizAnswer]], dict[tuple[str, str, str], list[QuizAnswer]], dict[date, list[QuizAnswer]]]:
    """Return the answers by number of their question, by learner, and by day."""
    by_number: dict[int, list[QuizAnswer]] = {}
    by_learner: dict[tuple[str, str, str], list[QuizAnswer]] = {}
    by_day: dict[date, list[QuizAnswer]] = {}
    for answer in answers:
        by_number.setdefault(answer.number, []).append(answer)
        by_learner.setdefault(answer.learner, []).append(answer)
        by_day.setdefault(answer.given.answered_at.date(), []).append(answer)
    return by_number, by_learner, by_day


def _question(quiz: Quiz, question: StoredQuestion, answers: Sequence[QuizAnswer]) -> QuestionResult:
    """Return what the first attempts made of one question."""
    times = Counter(option for answer in answers for option in answer.given.chosen)
    chosen = [(option, times[option]) for option in question.options] or times.most_common()
    right = question.labelled if question.options else [one for a in answers if a.given.right for one in a.given.chosen]
    return QuestionResult(
        question.number,
        question.study_id,
        question.modality,
        quiz.asks,
        question.labelled,
        _share(answers),
        tuple(chosen),
        frozenset(right),
        sum(answer.given.missing for answer in answers),
    )


def _learner(answers: Sequence[QuizAnswer]) -> LearnerResult:
    return LearnerResult(answers[-1].alias, _share(answers), sum(answer.given.late for answer in answers))


def _share(answers: Sequence[QuizAnswer]) -> Share:
    return Share(sum(one.given.right for one in answers), len(answers))


def _row(quiz: Quiz, answer: QuizAnswer) -> tuple[object, ...]:
    """Return the values of COLUMNS."""
    return (
        quiz.quiz_id,
        quiz.title,
        answer.alias,
        answer.attempt,
        answer.number,
        answer.study_id,
        answer.modality,
        _yes(answer.synthetic),
        ";".join(answer.options),
        ";".join(answer.labelled),
        ";".join(answer.given.chosen),
        ";".join(f"{one:.3f}" for one in answer.given.region or ()),
        _yes(answer.given.right),
        f"{answer.given.answered_at.isoformat(timespec='seconds')}Z",
        _yes(answer.given.late),
        answer.order,
        answer.seed,
        notice(),
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"
