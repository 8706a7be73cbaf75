"""Runs: a learner's way through a quiz. An answer is on disk when `commit` returns, and stays as it was given.

A run belongs to the actor who began it; the alias is the name that the learner goes by.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from datetime import datetime

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store import quiz_runs
from engine.store.quiz_runs import Given, NewRun, Run
from engine.store.quizzes import ORDERS, Order, question_candidates
from engine.teaching import input_checks, quizzes, selection, spaced_repetition
from engine.workspace.workspace import Workspace


def start(
    workspace: Workspace,
    quiz_id: str,
    alias: str,
    *,
    actor: Actor,
    order: str | None = None,
    seed: int | None = None,
    anew: bool = False,
) -> Run:
    """Return the learner's run of a quiz: the one begun under this alias, or a new one.

    order, seed : of a new run; the same two give every learner the same order. Else the quiz's own order and any seed
    anew        : begin another attempt where the last one is finished
    """
    quiz, alias = quizzes.load(workspace, quiz_id, actor=actor), input_checks.alias(alias)
    with workspace.database.exclusive():  # so that two tabs begin one run
        before = quiz_runs.attempts(workspace.database, actor, quiz_id, alias)
        if before:
            last = load(workspace, before[0], actor=actor)
            if last.current is not None or not anew:
                return last
        chosen: Order = order if order in ORDERS else quiz.order
        seed = secrets.randbelow(quizzes.SEEDS) if seed is None else seed
        numbers = list(range(1, quiz.questions + 1))
        if chosen == "shuffled":
            random.Random(f"{quiz_id} {seed}").shuffle(numbers)
        run = NewRun(_new_id(), quiz_id, alias, len(before) + 1, seed, chosen)
        return _begin(workspace, run, [(quiz_id, number) for number in numbers], actor)


def practise(workspace: Workspace, alias: str, as_of: datetime | None = None, *, actor: Actor) -> Run:
    """Begin a run of the cases that are due to a learner; UsageError where none is."""
    alias = input_checks.alias(alias)
    due = due_questions(workspace, alias, as_of, actor=actor)
    if not due:
        raise UsageError("No case is due today under this alias: come back another day, or take a quiz.")
    return _begin(workspace, NewRun(_new_id(), None, alias), due, actor)


def due_questions(
    workspace: Workspace, alias: str, as_of: datetime | None = None, *, actor: Actor
) -> list[tuple[str, int]]:
    """Return (quiz id, question number) of the due cases that one run can ask: one per patient and modality."""
    due = spaced_repetition.due_cases(workspace, input_checks.alias(alias), as_of or utc_now(), actor=actor)
    if not due:
        return []
    quiz_ids = list({quiz_id for quiz_id, _ in due})
    candidates = question_candidates(workspace.database, actor.acting_for("teaching"), quiz_ids)
    asked = {candidates[one].study_id: one for one in due if one in candidates}
    return [asked[one.study_id] for one in selection.different(candidates[one] for one in asked.values())]


def load(workspace: Workspace, run_id: str, *, actor: Actor) -> Run:
    """Return a run of the actor with the questions whose case may be shown; UsageError where it has none of this id."""
    run = quiz_runs.find(workspace.database, actor.acting_for("teaching"), run_id)
    if run is None:
        raise UsageError("There is no such run in this workspace: begin again with your alias, answers are kept.")
    return run


def commit(
    workspace: Workspace,
    run_id: str,
    position: int,
    chosen: Sequence[str],
    answered_at: datetime | None = None,
    *,
    actor: Actor,
) -> Given:
    """Store an answer and when the case comes back, in one transaction; return it.

    Raises UsageError where nothing or something else is chosen, or the question was answered already.
    """
    with workspace.database.exclusive():
        run = load(workspace, run_id, actor=actor)
        asked = next((one for one in run.questions if one.position == position), None)
        if asked is None:
            raise UsageError("This case can no longer be shown, so its question is left out: go on to the next one.")
        if asked.given is not None:
            raise UsageError("This question was answered already, and an answer stays as it was given: go on.")
        picked = tuple(option for option in asked.options if option in chosen)
        if not picked or len(picked) != len(set(chosen)) or (asked.asks == "one" and len(picked) > 1):
            raise UsageError("Choose among the options shown, then commit: nothing was stored.")
        given = Given(picked, set(picked) == set(asked.labelled), answered_at or utc_now())
        with workspace.database.write() as cursor:
            quiz_runs.insert_answer(cursor, run_id, position, given)
            spaced_repetition.schedule(cursor, run.alias, asked, given, actor=actor)
        return given


def _new_id() -> str:
    return f"r-{secrets.token_hex(8)}"


def _begin(workspace: Workspace, run: NewRun, asked: Sequence[tuple[str, int]], actor: Actor) -> Run:
    with workspace.database.write() as cursor:
        quiz_runs.insert(cursor, actor, run, asked)
    return load(workspace, run.run_id, actor=actor)
