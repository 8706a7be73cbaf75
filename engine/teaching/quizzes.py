"""Quizzes: built once from a collection or from filters, with fixed questions and options."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store.filters import Filters
from engine.study import Modality
from engine.teaching import collections, input_checks, selection
from engine.teaching.confusable import confusable
from engine.teaching.options import MAX_OPTIONS, key_label, options
from engine.teaching.records import ORDERS, Asks, Order, Quiz
from engine.teaching.selection import RECORDINGS, Candidate
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

MAX_QUESTIONS = 100
NEAR = 20  # neighbours whose labels are read for distractors
SEEDS = 1_000_000
OnProgress = Callable[[int, int], None]  # (questions made, questions to make)
LISTED = (
    "SELECT q.quiz_id, q.title, q.asks, q.question_order, q.seed, q.source, q.who, q.created_at,"
    " (SELECT count(*) FROM quiz_questions one WHERE one.quiz_id = q.quiz_id)"
    " FROM quizzes q WHERE q.deleted_at IS NULL"
)


@dataclass(frozen=True)
class QuizPlan:
    """How to build: title, number of questions (None: all), what is asked, the order learners get, its seed."""

    title: str
    n: int | None = None
    asks: Asks = "one"
    order: Order = "shuffled"
    seed: int | None = None
    who: str = "local"


@dataclass(frozen=True)
class BuiltQuiz:
    """A quiz and how many candidates it could not ask about: reports, unlabelled, or of a patient asked already."""

    quiz: Quiz
    reports: int
    unlabelled: int
    same_patient: int


def _silent(made: int, total: int) -> None:
    """Say nothing of the progress."""


def from_collection(
    workspace: Workspace, release: Release, collection_id: str, plan: QuizPlan, on_progress: OnProgress = _silent
) -> BuiltQuiz:
    """Build a quiz from a collection's cases in their order, with their notes. `say` hears of every question."""
    source = collections.load(workspace, collection_id).title
    return _build(
        workspace, release, selection.from_collection(workspace, collection_id), plan, source, (), on_progress
    )


def from_filters(
    workspace: Workspace,
    release: Release,
    modalities: Sequence[Modality],
    filters: Filters,
    plan: QuizPlan,
    on_progress: OnProgress = _silent,
) -> BuiltQuiz:
    """Build a quiz from the recordings that the filters let through, a case of each label in turn."""
    plan = _seeded(plan)
    frequent = {one: workspace.labels(one, actor=Actor(plan.who)) for one in modalities}
    found = selection.in_turn(
        selection.from_filters(workspace, modalities, filters),
        lambda one: key_label(one.labels, frequent[one.modality], filters.labels),
        random.Random(plan.seed),
    )
    return _build(workspace, release, found, plan, filters.sentence, filters.labels, on_progress)


def listed(workspace: Workspace) -> list[Quiz]:
    """Return all quizzes that are not deleted, the newest first."""
    return [Quiz(*row) for row in workspace.database.read(f"{LISTED} ORDER BY q.created_at DESC, 1")]


def load(workspace: Workspace, quiz_id: str) -> Quiz:
    """Return one quiz; UsageError where there is none or it was deleted."""
    found = workspace.database.read(f"{LISTED} AND q.quiz_id = ?", [quiz_id])
    if not found:
        raise UsageError("There is no such quiz in this workspace: it was deleted, or its link is incomplete.")
    return Quiz(*found[0])


def delete(workspace: Workspace, quiz_id: str, undo: bool = False) -> None:
    """Take a quiz off the list, or put it back; answers are kept."""
    with workspace.database.write() as cursor:
        cursor.execute("UPDATE quizzes SET deleted_at = ? WHERE quiz_id = ?", [None if undo else utc_now(), quiz_id])


def _seeded(plan: QuizPlan) -> QuizPlan:
    return replace(plan, seed=secrets.randbelow(SEEDS)) if plan.seed is None else plan


def _build(
    workspace: Workspace,
    release: Release,
    found: Sequence[Candidate],
    plan: QuizPlan,
    source: str,
    wanted: Sequence[str],
    say: OnProgress,
) -> BuiltQuiz:
    """Choose the questions, then store the quiz and all of them at once."""
    title, plan = input_checks.title(plan.title), _seeded(plan)
    if plan.order not in ORDERS or (plan.n is not None and not 1 <= plan.n <= MAX_QUESTIONS):
        raise UsageError(f"A quiz has 1 to {MAX_QUESTIONS} questions in fixed or shuffled order: choose within that.")
    labelled = [one for one in found if one.modality in RECORDINGS and one.labels]
    once = list(selection.different(labelled))
    rng = random.Random(plan.seed)
    rows: list[list[Any]] = []
    most = min(plan.n or MAX_QUESTIONS, len(once))
    for one in once:
        if len(rows) == most:
            break
        say(len(rows), most)
        truth, offered = _question(workspace, release, one, plan, wanted, rng)
        if len(offered) > len(truth):  # a question with nothing but right options is none
            rows.append([len(rows) + 1, one.study_id, one.modality, list(offered), list(truth), one.note])
    if not rows:
        raise UsageError(
            "No question could be made of these cases: choose films, ECGs or pulse recordings with labels, "
            "in a workspace that holds more than one label of their kind."
        )
    quiz = _store(workspace, title, plan, source, rows)
    reports = sum(one.modality not in RECORDINGS for one in found)
    return BuiltQuiz(quiz, reports, len(found) - reports - len(labelled), len(labelled) - len(once))


def _question(
    workspace: Workspace, release: Release, one: Candidate, plan: QuizPlan, wanted: Sequence[str], rng: random.Random
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels that count as right and the options."""
    frequent = workspace.labels(one.modality, actor=Actor(plan.who))
    near = confusable(workspace, release, one.study_id, one.modality, one.labels, k=NEAR, who=plan.who)
    truth = one.labels[: MAX_OPTIONS - 1] if plan.asks == "all" else (key_label(one.labels, frequent, wanted),)
    return truth, options(truth, one.labels, (neighbour.labels for neighbour in near), frequent, rng)


def _store(workspace: Workspace, title: str, plan: QuizPlan, source: str, rows: list[list[Any]]) -> Quiz:
    quiz_id = f"z-{secrets.token_hex(6)}"
    with workspace.database.write() as cursor:
        cursor.execute(
            "INSERT INTO quizzes VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            [quiz_id, title, plan.asks, plan.order, plan.seed, source, plan.who, utc_now()],
        )
        cursor.executemany("INSERT INTO quiz_questions VALUES (?, ?, ?, ?, ?, ?, ?)", [[quiz_id, *row] for row in rows])
    return load(workspace, quiz_id)
