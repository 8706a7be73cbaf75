"""Runs: a learner's way through a quiz. An answer is on disk when `commit` returns, and stays as it was given."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.errors import UsageError
from engine.files import utc_now
from engine.store.filters import CONSENT_SQL
from engine.teaching import input_checks, quizzes, selection, spaced_repetition
from engine.teaching.records import ORDERS, Given, Order, QuizQuestion, Run
from engine.workspace.workspace import Workspace

ASKED = f"""
    SELECT r.place, o.quiz_id, o.number, o.study_id, o.modality, q.asks, o.options, o.labelled, o.note,
        a.chosen, a.is_right, a.answered_at
    FROM run_questions r JOIN quiz_questions o ON o.quiz_id = r.quiz_id AND o.number = r.number
    JOIN quizzes q ON q.quiz_id = o.quiz_id JOIN studies s ON s.study_id = o.study_id
    LEFT JOIN quiz_answers a ON a.run_id = r.run_id AND a.place = r.place
    WHERE r.run_id = ? AND {CONSENT_SQL} ORDER BY r.place"""


def start(
    workspace: Workspace,
    quiz_id: str,
    alias: str,
    *,
    order: str | None = None,
    seed: int | None = None,
    anew: bool = False,
) -> Run:
    """Return the learner's run of a quiz: the one begun under this alias, or a new one.

    order, seed : of a new run; the same two give every learner the same order. Else the quiz's own order and any seed
    anew        : begin another attempt where the last one is finished
    """
    quiz, alias = quizzes.load(workspace, quiz_id), input_checks.alias(alias)
    with workspace.database.exclusive():  # so that two tabs begin one run
        sql = "SELECT run_id FROM quiz_runs WHERE quiz_id = ? AND lower(alias) = lower(?) ORDER BY attempt DESC"
        before = [run_id for (run_id,) in workspace.database.read(sql, [quiz_id, alias])]
        if before:
            last = load(workspace, before[0])
            if last.current is not None or not anew:
                return last
        chosen: Order = order if order in ORDERS else quiz.order
        seed = secrets.randbelow(quizzes.SEEDS) if seed is None else seed
        numbers = list(range(1, quiz.questions + 1))
        if chosen == "shuffled":
            random.Random(f"{quiz_id} {seed}").shuffle(numbers)
        asked = [(quiz_id, number) for number in numbers]
        return _begin(workspace, quiz_id, alias, len(before) + 1, seed, chosen, asked)


def practise(workspace: Workspace, alias: str, as_of: datetime | None = None) -> Run:
    """Begin a run of the cases that are due to a learner; UsageError where none is."""
    alias = input_checks.alias(alias)
    found = due_questions(workspace, alias, as_of)
    if not found:
        raise UsageError("No case is due today under this alias: come back another day, or take a quiz.")
    return _begin(workspace, None, alias, 1, 0, "fixed", found)


def due_questions(workspace: Workspace, alias: str, as_of: datetime | None = None) -> list[tuple[str, int]]:
    """Return (quiz id, question number) of the due cases that one run can ask: not two of one patient's modality."""
    found = spaced_repetition.due_cases(workspace, input_checks.alias(alias), as_of or utc_now())
    if not found:
        return []
    rows = workspace.database.read(
        f"SELECT o.quiz_id, o.number, {selection.COLUMNS}"
        " FROM quiz_questions o JOIN studies s ON s.study_id = o.study_id"
        " WHERE list_contains(?, o.quiz_id)",
        [list({quiz_id for quiz_id, _ in found})],
    )
    known = {(quiz_id, number): selection.Candidate(*about) for quiz_id, number, *about in rows}
    asked = {known[one].study_id: one for one in found if one in known}
    return [asked[one.study_id] for one in selection.different(known[one] for one in asked.values())]


def load(workspace: Workspace, run_id: str) -> Run:
    """Return a run with the questions whose case may be shown now; UsageError where there is none of this id."""
    sql = "SELECT run_id, quiz_id, alias, attempt, seed, question_order FROM quiz_runs WHERE run_id = ?"
    found = workspace.database.read(sql, [run_id])
    if not found:
        raise UsageError("There is no such run in this workspace: begin again with your alias, answers are kept.")
    asked = tuple(_asked(*row) for row in workspace.database.read(ASKED, [run_id]))
    total = workspace.database.read("SELECT count(*) FROM run_questions WHERE run_id = ?", [run_id])[0][0]
    run_id, quiz_id, alias, attempt, seed, order = found[0]
    return Run(run_id, quiz_id, alias, attempt, seed, order, asked, total - len(asked))


def commit(
    workspace: Workspace, run_id: str, position: int, chosen: Sequence[str], answered_at: datetime | None = None
) -> Given:
    """Store an answer and when the case comes back, in one transaction; return it.

    Raises UsageError where nothing or something else is chosen, or the question was answered already.
    """
    with workspace.database.exclusive():
        run = load(workspace, run_id)
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
            cursor.execute(
                "INSERT INTO quiz_answers VALUES (?, ?, ?, ?, ?)",
                [run_id, position, list(picked), given.right, given.answered_at],
            )
            spaced_repetition.remember(
                cursor, run.alias, asked.study_id, asked.quiz_id, asked.number, given.right, given.answered_at
            )
        return given


def _begin(
    workspace: Workspace,
    quiz_id: str | None,
    alias: str,
    attempt: int,
    seed: int,
    order: Order,
    asked: list[tuple[str, int]],
) -> Run:
    run_id = f"r-{secrets.token_hex(8)}"
    with workspace.database.write() as cursor:
        row = [run_id, quiz_id, alias, attempt, seed, order, utc_now()]
        cursor.execute("INSERT INTO quiz_runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        rows = [[run_id, place, *one] for place, one in enumerate(asked, start=1)]
        cursor.executemany("INSERT INTO run_questions VALUES (?, ?, ?, ?)", rows)
    return load(workspace, run_id)


def _asked(*row: Any) -> QuizQuestion:
    place, quiz_id, number, study_id, modality, asks, options, labelled, note, chosen, right, when = row
    given = None if when is None else Given(tuple(chosen), right, when)
    return QuizQuestion(place, quiz_id, number, study_id, modality, asks, tuple(options), tuple(labelled), note, given)
