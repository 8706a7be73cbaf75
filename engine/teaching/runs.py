"""Runs: a learner's way through a quiz. An answer is on disk when `commit` returns, and stays as it was given.

A run belongs to the browser in which it began; its address, which nobody can guess, opens it elsewhere. The alias is
the name that the learner goes by. Time runs on the server, from the moment at which a question was first shown.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store import permission, quiz_runs
from engine.store.acts import Act
from engine.store.quiz_runs import Given, NewRun, QuizQuestion, Run
from engine.store.quizzes import ORDERS, Order, Quiz, accepted_words, question_candidates
from engine.study import Study
from engine.teaching import access, input_checks, judging, quizzes, selection, spaced_repetition
from engine.workspace.workspace import Workspace

GRACE = timedelta(seconds=2)  # for an answer that was on its way when time was over


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
    Raises UsageError where the quiz is closed, or where somebody else goes by the alias.
    """
    permission.require(workspace.database, actor, "learn")
    quiz, alias = quizzes.load(workspace, quiz_id, actor=actor), input_checks.alias(alias)
    access.note_visitor(workspace, quiz_id, actor=actor)
    with workspace.database.exclusive():  # so that two tabs begin one run
        before = quiz_runs.attempts(workspace.database, actor, quiz_id, alias)
        if before:
            last = load(workspace, before[0], actor=actor)
            if last.current is not None or not anew:
                return last
        _check_may_begin(workspace, quiz, alias, actor)
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
    candidates = question_candidates(workspace.database, actor.acting_for("teaching"), quiz_ids)  # none still open
    asked = {candidates[one].study_id: one for one in due if one in candidates}
    return [asked[one.study_id] for one in selection.different(candidates[one] for one in asked.values())]


def load(workspace: Workspace, run_id: str, *, actor: Actor) -> Run:
    """Return a run of the actor with the questions whose case may be shown; UsageError where it has none of this id.

    Questions whose time is over are answered by then: with nothing.
    """
    run = _find(workspace, run_id, actor)
    if run.quiz_id is None or run.current is None:
        return run
    quiz, now = quizzes.load(workspace, run.quiz_id, actor=actor), utc_now()
    over = [one for one in run.questions if one.given is None and _is_over(quiz, run, one, now)]
    if not over:
        return run
    with workspace.database.exclusive():
        for one in over:
            if _question(_find(workspace, run_id, actor), one.position).given is None:
                _store(workspace, run, one, Given((), False, now), actor)
    return _find(workspace, run_id, actor)


def open_question(workspace: Workspace, run: Run, question: QuizQuestion, *, actor: Actor) -> datetime | None:
    """Note that a question is shown, from when on its time runs; return when it ends, naive UTC; None for no limit."""
    if run.quiz_id is None:
        return None
    quiz = quizzes.load(workspace, run.quiz_id, actor=actor)
    access.note_visitor(workspace, run.quiz_id, actor=actor)
    opened_at = question.opened_at or utc_now()
    if question.opened_at is None:
        with workspace.database.write(
            actor, Act("study opened", returned=(question.study_id,), about={"run": run.run_id})
        ) as cursor:
            quiz_runs.open_question(cursor, run.run_id, question.position, opened_at)
    return _end(quiz, run, opened_at)


def recording(workspace: Workspace, question: QuizQuestion, *, actor: Actor) -> Study:
    """Return the recording that a question asks about, also while it is out of the learner's sight elsewhere."""
    return workspace.study(question.study_id, actor=_reader(actor))


def commit(
    workspace: Workspace,
    run_id: str,
    position: int,
    chosen: Sequence[str] = (),
    answered_at: datetime | None = None,
    *,
    actor: Actor,
    region: Sequence[float] = (),
) -> Given:
    """Store an answer and when the case comes back, in one transaction; return it.

    chosen : options, or one answer in own words; region: left, top, right, bottom as shares of the film
    Raises UsageError where nothing or something else is chosen, or the question was answered already. Where its time is
    over, nothing counts as given.
    """
    with workspace.database.exclusive():
        run = load(workspace, run_id, actor=actor)
        asked = _question(run, position)
        if asked.given is not None:
            over = asked.given.missing
            raise UsageError(
                "Time was over before this answer came, so none counts: go on."
                if over
                else "This question was answered already, and an answer stays as it was given: go on."
            )
        quiz = quizzes.load(workspace, asked.quiz_id, actor=actor)
        if quiz.closed_at is not None and run.quiz_id is not None:
            raise UsageError("The quiz was closed, so no more answers are taken: ask whoever made it.")
        given = _judged(workspace, asked, chosen, region, answered_at or utc_now())
        _store(workspace, run, asked, given, actor)
        return given


def _judged(
    workspace: Workspace, asked: QuizQuestion, chosen: Sequence[str], region: Sequence[float], when: datetime
) -> Given:
    """Return an answer with whether it is right."""
    if asked.asks == "region":
        drawn = judging.drawn_region(region)
        return Given((), any(judging.region_agrees(drawn, one) for one in asked.wanted), when, drawn)
    if asked.asks == "text":
        words = judging.own_words(" ".join(chosen))
        known = accepted_words(workspace.database, [asked.quiz_id]).get((asked.quiz_id, asked.number), frozenset())
        return Given((words,), words.casefold() in known or judging.words_agree(words, asked.labelled), when)
    picked = judging.chosen_options(asked, chosen)
    return Given(picked, set(picked) == set(asked.labelled), when)


def _check_may_begin(workspace: Workspace, quiz: Quiz, alias: str, actor: Actor) -> None:
    if quiz.closed_at is not None:
        raise UsageError("The quiz was closed, so no more answers are taken: ask whoever made it.")
    if quiz_runs.is_taken(workspace.database, actor, quiz.quiz_id, alias):
        raise UsageError(
            "Somebody else goes by this alias in this quiz: choose another one, or open your own run by its address, "
            "from the browser in which you began."
        )


def _end(quiz: Quiz, run: Run, opened_at: datetime | None) -> datetime | None:
    """Return when the time of a question ends."""
    ends = [run.started_at + timedelta(seconds=quiz.quiz_s)] if quiz.quiz_s else []
    ends += [opened_at + timedelta(seconds=quiz.question_s)] if quiz.question_s and opened_at is not None else []
    return min(ends, default=None)


def _is_over(quiz: Quiz, run: Run, question: QuizQuestion, now: datetime) -> bool:
    end = _end(quiz, run, question.opened_at)
    return end is not None and now > end + GRACE


def _question(run: Run, position: int) -> QuizQuestion:
    asked = next((one for one in run.questions if one.position == position), None)
    if asked is None:
        raise UsageError("This case can no longer be shown, so its question is left out: go on to the next one.")
    return asked


def _store(workspace: Workspace, run: Run, asked: QuizQuestion, given: Given, actor: Actor) -> None:
    with workspace.database.write(
        actor, Act("quiz answered", returned=(asked.study_id,), about={"run": run.run_id, "question": asked.position})
    ) as cursor:
        quiz_runs.insert_answer(cursor, run.run_id, asked.position, given)
        spaced_repetition.schedule(cursor, run.alias, asked, given, actor=actor)


def _find(workspace: Workspace, run_id: str, actor: Actor) -> Run:
    run = quiz_runs.find(workspace.database, _reader(actor), run_id)
    if run is None:
        raise UsageError("There is no such run in this workspace: begin again with your alias, answers are kept.")
    return run


def _reader(actor: Actor) -> Actor:
    """Return the actor as it reads what a question asks about."""
    return actor.acting_for("teaching").seeing_all()


def _new_id() -> str:
    return f"r-{secrets.token_hex(16)}"


def _begin(workspace: Workspace, run: NewRun, asked: Sequence[tuple[str, int]], actor: Actor) -> Run:
    with workspace.database.write(
        actor, Act("quiz run", about={"run": run.run_id, "quiz": run.quiz_id or ""})
    ) as cursor:
        quiz_runs.insert(cursor, actor, run, asked)
    return load(workspace, run.run_id, actor=actor)
