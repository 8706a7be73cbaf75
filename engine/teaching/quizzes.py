"""Quizzes: built once from a collection or from filters, with fixed questions and options.

What a quiz asks is its maker's to read; whoever else loads it learns its title, its number of questions and its times.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.findings.recogniser import findings_named, recognise
from engine.store import permission
from engine.store import quizzes as table
from engine.store.acts import Act
from engine.store.filters import Filters
from engine.store.quizzes import ORDERS, Asks, Candidate, Order, Quiz, Region, StoredQuestion, Visibility
from engine.study import Modality
from engine.teaching import access, collections, input_checks, regions, selection
from engine.teaching.confusable import confusable
from engine.teaching.options import MAX_OPTIONS, key_label, options
from engine.teaching.selection import RECORDINGS
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

MAX_QUESTIONS = 100
NEAR = 20  # neighbours whose labels are read for distractors
SEEDS = 1_000_000
MAX_SECONDS = 24 * 3600  # of a limit of time
OPEN_ASKS = ("text", "region")  # answered without options
NO_QUESTION = (
    "No question could be made of these cases: choose films, ECGs or pulse recordings with labels, in a workspace that "
    "holds more than one label of their kind."
)
NO_REGION = (
    "No question could be made of these cases: a quiz that asks where needs films whose findings have a known place, "
    "or on which you have drawn a region, so open them in Compare and draw one first."
)
OnProgress = Callable[[int, int], None]  # (questions made, questions to make)


@dataclass(frozen=True)
class QuizPlan:
    """How to build: title, number of questions (None: all), what is asked, the order learners get, its seed.

    visibility : who finds the quiz; whoever has the link may take it unless it is private
    due_at     : of homework, naive UTC; later answers are marked late
    question_s, quiz_s : limits of time in seconds, for each question and for all; 0 for none
    """

    title: str
    n: int | None = None
    asks: Asks = "one"
    order: Order = "shuffled"
    seed: int | None = None
    visibility: Visibility = "link"
    due_at: datetime | None = None
    question_s: int = 0
    quiz_s: int = 0


@dataclass(frozen=True)
class BuiltQuiz:
    """A quiz and how many candidates it could not ask about.

    reports, unlabelled, same_patient : reports, cases without a label, further ones of a patient asked about already
    unmarked        : of a quiz that asks for a region, films without one, drawn or known, and other kinds
    unshown         : films that show none of their labels, by the checks of their cohort
    synthetic_films : films among the questions that are synthetic and were not checked to show their labels
    given_away      : answers that the title names
    """

    quiz: Quiz
    reports: int
    unlabelled: int
    same_patient: int
    unmarked: int = 0
    unshown: int = 0
    synthetic_films: int = 0
    given_away: tuple[str, ...] = ()


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
        lambda one: key_label(one.asked_labels or one.labels, frequent[one.modality], filters.labels),
        random.Random(plan.seed),
    )
    source = _Source(candidates, filters.sentence, filters.labels)
    return _build(workspace, release, source, plan, actor=actor, on_progress=on_progress)


def listed(workspace: Workspace, *, actor: Actor) -> list[Quiz]:
    """Return the quizzes that the actor made, has opened or that everybody may find, the newest first."""
    seen = access.sees(workspace, actor=actor)
    found = [one for one in table.read_quizzes(workspace.database) if seen(one.quiz_id, one.visibility)]
    made = access.made(workspace, actor=actor)
    return [_as_seen(one, made(one.quiz_id)) for one in found]


def load(workspace: Workspace, quiz_id: str, *, actor: Actor) -> Quiz:
    """Return one quiz; UsageError where there is none, it was deleted, or it is private and somebody else's."""
    quiz = table.find(workspace.database, quiz_id)
    if quiz is None or not access.may_open(workspace, quiz_id, quiz.visibility, actor=actor):
        raise UsageError("There is no such quiz in this workspace: it was deleted, or its link is incomplete.")
    return _as_seen(quiz, access.is_maker(workspace, quiz_id, actor=actor))


def questions(workspace: Workspace, quiz_id: str, *, actor: Actor) -> list[StoredQuestion]:
    """Return the answer key, for makers alone."""
    access.require_maker(workspace, quiz_id, actor=actor)
    return table.read_questions(workspace.database, actor.acting_for("teaching"), quiz_id)


def delete(workspace: Workspace, quiz_id: str, undo: bool = False, *, actor: Actor) -> None:
    """Take a quiz off the list, or put it back; its answers stay. For makers alone."""
    access.require_maker(workspace, quiz_id, actor=actor)
    with workspace.database.write(
        actor, Act("quiz changed" if undo else "quiz deleted", about={"quiz": quiz_id})
    ) as cursor:
        table.set_deleted(cursor, quiz_id, None if undo else utc_now())


def set_visibility(workspace: Workspace, quiz_id: str, visibility: Visibility, *, actor: Actor) -> None:
    """Change who finds a quiz. For makers alone."""
    access.require_maker(workspace, quiz_id, actor=actor)
    input_checks.visibility(visibility)
    with workspace.database.write(
        actor, Act("quiz changed", about={"quiz": quiz_id, "visibility": visibility})
    ) as cursor:
        table.set_visibility(cursor, quiz_id, visibility)


def set_due(workspace: Workspace, quiz_id: str, due_at: datetime | None, *, actor: Actor) -> None:
    """Change until when answers count as in time, naive UTC; None for always. For makers alone."""
    access.require_maker(workspace, quiz_id, actor=actor)
    quiz = load(workspace, quiz_id, actor=actor)
    with workspace.database.write(actor, Act("quiz changed", about={"quiz": quiz_id, "change": "due"})) as cursor:
        table.set_times(cursor, quiz_id, due_at=due_at, closed_at=quiz.closed_at)


def close(workspace: Workspace, quiz_id: str, undo: bool = False, *, actor: Actor) -> None:
    """Take no more answers, so that the cases are in everybody's sight again; or go on. For makers alone."""
    access.require_maker(workspace, quiz_id, actor=actor)
    quiz = load(workspace, quiz_id, actor=actor)
    with workspace.database.write(
        actor, Act("quiz changed", about={"quiz": quiz_id, "change": "opened" if undo else "closed"})
    ) as cursor:
        table.set_times(cursor, quiz_id, due_at=quiz.due_at, closed_at=None if undo else utc_now())


def discuss(
    workspace: Workspace, quiz_id: str, number: int, words: str, expected_text: str | None = None, *, actor: Actor
) -> None:
    """Change what is said of a case once it was answered; UsageError where it is no longer `expected_text`.

    For makers alone.
    """
    access.require_maker(workspace, quiz_id, actor=actor)
    words = input_checks.note(words)
    with workspace.database.write(
        actor, Act("quiz changed", about={"quiz": quiz_id, "change": "discussion", "question": number})
    ) as cursor:
        present = table.discussion(cursor, quiz_id, number)
        if present is None:
            raise UsageError("There is no such question in this quiz: reload the page.")
        input_checks.unchanged(present, expected_text, words)
        table.set_discussion(cursor, quiz_id, number, words)


def accept(workspace: Workspace, quiz_id: str, number: int, words: str, undo: bool = False, *, actor: Actor) -> None:
    """Take words for right in answers given so far and later ones, or no longer. For makers alone."""
    access.require_maker(workspace, quiz_id, actor=actor)
    words = " ".join(words.split()).casefold()
    with workspace.database.write(
        actor, Act("quiz changed", about={"quiz": quiz_id, "change": "accepted words", "question": number})
    ) as cursor:
        table.withdraw(cursor, quiz_id, number, words, utc_now())
        if not undo:
            table.accept(cursor, quiz_id, number, words, utc_now())


def accepted(workspace: Workspace, quiz_id: str, *, actor: Actor) -> dict[int, frozenset[str]]:
    """Return question number → the words that count as right as well. For makers alone."""
    access.require_maker(workspace, quiz_id, actor=actor)
    return {number: words for (_, number), words in table.accepted_words(workspace.database, [quiz_id]).items()}


def given_away(title: str, answers: Sequence[str]) -> tuple[str, ...]:
    """Return those of the answers that a title names, in any of the ways in which findings are written."""
    parts = (title, *title.split())  # a short name counts by itself too, whatever stands around it
    named = {mention.finding for part in parts for mention in recognise(part)}
    plain = title.casefold()
    return tuple(
        dict.fromkeys(
            answer
            for answer in answers
            if answer.casefold() in plain or named & {finding for finding, _ in findings_named(answer)}
        )
    )


def _as_seen(quiz: Quiz, by_maker: bool) -> Quiz:
    """Return the quiz as it may be seen: what it was built from may name an answer."""
    return quiz if by_maker else replace(quiz, source="")


def _seeded(plan: QuizPlan) -> QuizPlan:
    return replace(plan, seed=secrets.randbelow(SEEDS)) if plan.seed is None else plan


def _build(
    workspace: Workspace, release: Release, source: _Source, plan: QuizPlan, *, actor: Actor, on_progress: OnProgress
) -> BuiltQuiz:
    """Choose the questions, then store the quiz and all of them at once."""
    permission.require(workspace.database, actor, "teach")
    plan = _checked(_seeded(plan))
    labelled = [one for one in source.candidates if one.modality in RECORDINGS and one.labels]
    showing = [one for one in labelled if _among(one.asked_labels, source.wanted)]
    drawn = regions.of_films(workspace, showing, actor=actor) if plan.asks == "region" else {}
    askable = {one.study_id: _askable(one, plan, drawn, source.wanted) for one in showing}
    usable = [one for one in showing if askable[one.study_id]]
    once = list(selection.different(usable))
    rng = random.Random(plan.seed)
    asked: list[StoredQuestion] = []
    most = min(plan.n or MAX_QUESTIONS, len(once))
    for one in once:
        if len(asked) == most:
            break
        on_progress(len(asked), most)
        asked_of = askable[one.study_id]
        right, offered = _options(
            workspace, release, one, asked_of, actor=actor, plan=plan, wanted=source.wanted, rng=rng
        )
        if len(offered) > len(right) or plan.asks in OPEN_ASKS:  # a question with options needs a wrong one
            number = len(asked) + 1
            region = drawn.get(one.study_id)
            asked.append(StoredQuestion(number, one.study_id, one.modality, offered, right, one.note, region))
    if not asked:
        raise UsageError(NO_REGION if plan.asks == "region" and labelled else NO_QUESTION)
    quiz = _store(workspace, plan, source.words, asked, actor=actor)
    reports = sum(one.modality not in RECORDINGS for one in source.candidates)
    return BuiltQuiz(
        quiz,
        reports=reports,
        unlabelled=len(source.candidates) - reports - len(labelled),
        same_patient=len(usable) - len(once),
        unmarked=len(showing) - len(usable),
        unshown=len(labelled) - len(showing),
        synthetic_films=selection.unchecked_films(workspace, [one.study_id for one in asked], actor=actor),
        given_away=given_away(quiz.title, [label for one in asked for label in one.labelled]),
    )


def _askable(one: Candidate, plan: QuizPlan, drawn: Mapping[str, Region], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that may be asked for; where one is to be placed, those with a place. None: leave the case."""
    anywhere = plan.asks != "region" or one.study_id in drawn
    return _among(one.asked_labels if anywhere else regions.placed_labels(one), wanted)


def _among(labels: tuple[str, ...], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the labels where one of those wanted is among them or none is named, else none."""
    return labels if not wanted or set(labels) & set(wanted) else ()


def _checked(plan: QuizPlan) -> QuizPlan:
    """Return the plan with its title on one line; UsageError where something of it cannot be."""
    if plan.order not in ORDERS or (plan.n is not None and not 1 <= plan.n <= MAX_QUESTIONS):
        raise UsageError(f"A quiz has 1 to {MAX_QUESTIONS} questions in fixed or shuffled order: choose within that.")
    if not all(0 <= one <= MAX_SECONDS for one in (plan.question_s, plan.quiz_s)):
        raise UsageError(f"A limit of time is 0 to {MAX_SECONDS} seconds: choose within that, nothing was stored.")
    input_checks.visibility(plan.visibility)
    return replace(plan, title=input_checks.title(plan.title))


def _options(
    workspace: Workspace,
    release: Release,
    one: Candidate,
    asked_of: tuple[str, ...],
    *,
    actor: Actor,
    plan: QuizPlan,
    wanted: Sequence[str],
    rng: random.Random,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels that count as right, and the options; none of those where the learner answers openly.

    asked_of : the labels of the case that may be asked for
    """
    frequent = workspace.labels(one.modality, actor=actor)
    key = key_label(asked_of, frequent, wanted)
    if plan.asks in OPEN_ASKS:
        return (key, *(label for label in one.labels if label != key)), ()
    near = confusable(workspace, release, one.study_id, one.modality, one.labels, k=NEAR, actor=actor)
    right = asked_of[: MAX_OPTIONS - 1] if plan.asks == "all" else (key,)
    return right, options(right, one.labels, (neighbour.labels for neighbour in near), frequent, rng)


def _store(workspace: Workspace, plan: QuizPlan, source: str, asked: Sequence[StoredQuestion], *, actor: Actor) -> Quiz:
    quiz_id, seed = f"z-{secrets.token_hex(6)}", plan.seed
    assert seed is not None
    quiz = Quiz(
        *(quiz_id, plan.title, plan.asks, plan.order, seed, source, actor.name, utc_now(), len(asked)),
        visibility=plan.visibility,
        due_at=plan.due_at,
        question_s=plan.question_s,
        quiz_s=plan.quiz_s,
    )
    with workspace.database.write(actor, Act("quiz made", about={"quiz": quiz_id})) as cursor:
        table.insert(cursor, quiz, asked)
        access.grant_maker(cursor, quiz_id, actor)
    return load(workspace, quiz_id, actor=actor)
