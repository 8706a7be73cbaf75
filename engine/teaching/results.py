"""Results of a class: per question and per learner with 95 % intervals, and every answer as CSV."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.actor import Actor
from engine.plain_text import csv_text
from engine.store.quiz_runs import QuizAnswer, read_answers
from engine.store.quizzes import Quiz, StoredQuestion, read_questions
from engine.strings import notice
from engine.study import Modality
from engine.teaching import quizzes
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
    "right",
    "answered_at",
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
    """First attempts at one question; chosen: how often each option was, in the order of the options."""

    number: int
    study_id: str
    modality: Modality
    labelled: tuple[str, ...]
    share: Share
    chosen: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Results:
    """What a class answered; learners by alias, with their first attempts; unanswered questions have n = 0."""

    questions: tuple[QuestionResult, ...]
    learners: tuple[tuple[str, Share], ...]
    hidden: int


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson (1927); 0 to 1 where n is 0."""
    from scipy.stats import binomtest

    if n == 0:
        return 0.0, 1.0
    low, high = binomtest(right, n).proportion_ci(method="wilson")
    return float(low), float(high)


def results(workspace: Workspace, quiz_id: str, *, actor: Actor) -> Results:
    """Return the results of all first attempts; questions whose case may no longer be shown are left out."""
    quiz, reader = quizzes.load(workspace, quiz_id, actor=actor), actor.acting_for("teaching")
    asked = read_questions(workspace.database, reader, quiz_id)
    first = [one for one in read_answers(workspace.database, reader, quiz_id) if one.attempt == 1]
    questions = tuple(_question(one, [answer for answer in first if answer.number == one.number]) for one in asked)
    of_learner: dict[tuple[str, str], list[QuizAnswer]] = {}
    for answer in sorted(first, key=lambda one: (one.alias.casefold(), one.who)):
        of_learner.setdefault((answer.alias.casefold(), answer.who), []).append(answer)
    learners = tuple((answers[-1].alias, _share(answers)) for answers in of_learner.values())
    return Results(questions, learners, quiz.questions - len(asked))


def answers_csv(workspace: Workspace, quiz_id: str, *, actor: Actor, bom: bool = False) -> str:
    """Return every answer of every attempt, one per row, under COLUMNS; lists joined by `;`, times ISO 8601 in UTC.

    bom : begin with a byte order mark, so that Excel takes the file for UTF-8
    """
    quiz = quizzes.load(workspace, quiz_id, actor=actor)
    answers = read_answers(workspace.database, actor.acting_for("teaching"), quiz_id)
    return csv_text(COLUMNS, [_row(quiz, answer) for answer in answers], line_end="\n", bom=bom)


def _question(question: StoredQuestion, answers: Sequence[QuizAnswer]) -> QuestionResult:
    """Return what the first attempts made of one question."""
    times = Counter(option for answer in answers for option in answer.chosen)
    chosen = tuple((option, times[option]) for option in question.options)
    return QuestionResult(
        question.number, question.study_id, question.modality, question.labelled, _share(answers), chosen
    )


def _share(answers: Sequence[QuizAnswer]) -> Share:
    return Share(sum(one.right for one in answers), len(answers))


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
        ";".join(answer.chosen),
        _yes(answer.right),
        f"{answer.answered_at.isoformat(timespec='seconds')}Z",
        answer.order,
        answer.seed,
        notice(),
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"
