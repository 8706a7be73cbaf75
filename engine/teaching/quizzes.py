"""Quizzes: built once from a collection or from filters, with fixed questions and options."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store import quizzes as table
from engine.store.filters import Filters
from engine.store.quizzes import ORDERS, Asks, Candidate, Order, Quiz, StoredQuestion
from engine.study import Modality
from engine.teaching import collections, input_checks, selection
from engine.teaching.confusable import confusable
from engine.teaching.options import MAX_OPTIONS, key_label, options
from engine.teaching.selection import RECORDINGS
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

MAX_QUESTIONS = 100
NEAR = 20  # neighbours whose labels are read for distractors
SEEDS = 1_000_000
OnProgress = Callable[[int, int], None]  # (questions made, questions to make)


@dataclass(frozen=True)
class QuizPlan:
    """How to build: title, number of questions (None: all), what is asked, the order learners get, its seed."""

    title: str
    n: int | None = None
    asks: Asks = "one"
    order: Order = "shuffled"
    seed: int | None = None


@dataclass(frozen=True)
class BuiltQuiz:
    """A quiz and how many candidates it could not ask about: reports, unlabelled, or of a patient asked already."""

    quiz: Quiz
    reports: int
    unlabelled: int
    same_patient: int


@dataclass(frozen=True)
class _Source:
    """What a quiz is built from.

    words  : say where the candidates come from
    wanted : labels to ask for; empty for any
    """

    candidates: Sequence[Candidate]
    words: str
    wanted: tuple[str, ...] = ()


def _silent(made: int, total: int) -> None:
    """Say nothing of the progress."""


def from_collection(
    workspace: Workspace,
    release: Release,
    collection_id: str,
    plan: QuizPlan,
    *,
    actor: Actor,
    on_progress: OnProgress = _silent,
) -> BuiltQuiz:
    """Build a quiz from a collection's cases in their order, with their notes."""
    title = collections.load(workspace, collection_id, actor=actor).title
    source = _Source(selection.from_collection(workspace, collection_id, actor=actor), title)
    return _build(workspace, release, source, plan, actor=actor, on_progress=on_progress)


def from_filters(
    workspace: Workspace,
    release: Release,
    modalities: Sequence[Modality],
    filters: Filters,
    plan: QuizPlan,
    *,
    actor: Actor,
    on_progress: OnProgress = _silent,
) -> BuiltQuiz:
    """Build a quiz from the recordings that the filters let through, a case of each label in turn."""
    plan = _seeded(plan)
    frequent = {one: workspace.labels(one, actor=actor) for one in modalities}
    candidates = selection.in_turn(
        selection.from_filters(workspace, modalities, filters, actor=actor),
        lambda one: key_label(one.labels, frequent[one.modality], filters.labels),
        random.Random(plan.seed),
    )
    source = _Source(candidates, filters.sentence, filters.labels)
    return _build(workspace, release, source, plan, actor=actor, on_progress=on_progress)


def listed(workspace: Workspace, *, actor: Actor) -> list[Quiz]:
    """Return all quizzes that are not deleted, the newest first."""
    return table.read_quizzes(workspace.database)


def load(workspace: Workspace, quiz_id: str, *, actor: Actor) -> Quiz:
    """Return one quiz; UsageError where there is none or it was deleted."""
    quiz = table.find(workspace.database, quiz_id)
    if quiz is None:
        raise UsageError("There is no such quiz in this workspace: it was deleted, or its link is incomplete.")
    return quiz


def delete(workspace: Workspace, quiz_id: str, undo: bool = False, *, actor: Actor) -> None:
    """Take a quiz off the list, or put it back; its answers stay."""
    with workspace.database.write() as cursor:
        table.set_deleted(cursor, quiz_id, None if undo else utc_now())


def _seeded(plan: QuizPlan) -> QuizPlan:
    return replace(plan, seed=secrets.randbelow(SEEDS)) if plan.seed is None else plan


def _build(
    workspace: Workspace, release: Release, source: _Source, plan: QuizPlan, *, actor: Actor, on_progress: OnProgress
) -> BuiltQuiz:
    """Choose the questions, then store the quiz and all of them at once."""
    title, plan = input_checks.title(plan.title), _seeded(plan)
    if plan.order not in ORDERS or (plan.n is not None and not 1 <= plan.n <= MAX_QUESTIONS):
        raise UsageError(f"A quiz has 1 to {MAX_QUESTIONS} questions in fixed or shuffled order: choose within that.")
    labelled = [one for one in source.candidates if one.modality in RECORDINGS and one.labels]
    once = list(selection.different(labelled))
    rng = random.Random(plan.seed)
    questions: list[StoredQuestion] = []
    most = min(plan.n or MAX_QUESTIONS, len(once))
    for one in once:
        if len(questions) == most:
            break
        on_progress(len(questions), most)
        right, offered = _options(workspace, release, one, actor=actor, plan=plan, wanted=source.wanted, rng=rng)
        if len(offered) > len(right):  # a question needs a wrong option
            number = len(questions) + 1
            questions.append(StoredQuestion(number, one.study_id, one.modality, offered, right, one.note))
    if not questions:
        raise UsageError(
            "No question could be made of these cases: choose films, ECGs or pulse recordings with labels, "
            "in a workspace that holds more than one label of their kind."
        )
    quiz = _store(workspace, replace(plan, title=title), source.words, questions, actor=actor)
    reports = sum(one.modality not in RECORDINGS for one in source.candidates)
    unlabelled = len(source.candidates) - reports - len(labelled)
    return BuiltQuiz(quiz, reports, unlabelled, len(labelled) - len(once))


def _options(
    workspace: Workspace,
    release: Release,
    one: Candidate,
    *,
    actor: Actor,
    plan: QuizPlan,
    wanted: Sequence[str],
    rng: random.Random,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels that count as right, and the options."""
    frequent = workspace.labels(one.modality, actor=actor)
    near = confusable(workspace, release, one.study_id, one.modality, one.labels, k=NEAR, actor=actor)
    right = one.labels[: MAX_OPTIONS - 1] if plan.asks == "all" else (key_label(one.labels, frequent, wanted),)
    return right, options(right, one.labels, (neighbour.labels for neighbour in near), frequent, rng)


def _store(
    workspace: Workspace, plan: QuizPlan, source: str, questions: Sequence[StoredQuestion], *, actor: Actor
) -> Quiz:
    quiz_id, seed = f"z-{secrets.token_hex(6)}", plan.seed
    assert seed is not None
    quiz = Quiz(quiz_id, plan.title, plan.asks, plan.order, seed, source, actor.name, utc_now(), len(questions))
    with workspace.database.write() as cursor:
        table.insert(cursor, quiz, questions)
    return load(workspace, quiz_id, actor=actor)
