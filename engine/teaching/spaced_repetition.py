"""When a case comes back to a learner: FSRS in whole days, one card per learner and case.

Source: the FSRS-6 scheduler of the package `fsrs`, without minute-long steps and without random spread, so that a
class can be told the day: a wrong answer comes back the next day, a right one later each time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import duckdb

from engine.actor import Actor
from engine.store import review_schedule
from engine.store.quiz_runs import Given, QuizQuestion
from engine.store.review_schedule import ScheduledReview
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from fsrs import Scheduler


@lru_cache(maxsize=1)
def _scheduler() -> Scheduler:
    from fsrs import Scheduler

    return Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def schedule(
    cursor: duckdb.DuckDBPyConnection, alias: str, question: QuizQuestion, given: Given, *, actor: Actor
) -> None:
    """Schedule the case's return after an answer, inside its transaction."""
    from fsrs import Card, Rating

    answered_at = given.answered_at.replace(tzinfo=UTC)
    known = review_schedule.latest_card(cursor, actor, alias, question.study_id)
    card = Card.from_dict(json.loads(known)) if known else Card(card_id=1, due=answered_at)
    card, _ = _scheduler().review_card(card, Rating.Good if given.right else Rating.Again, answered_at)
    due = card.due.astimezone(UTC).replace(tzinfo=None)
    words = json.dumps(card.to_dict())
    review = ScheduledReview(alias, question.study_id, question.quiz_id, question.number, words, due, given.answered_at)
    review_schedule.insert(cursor, actor, review)


def due_cases(workspace: Workspace, alias: str, as_of: datetime, *, actor: Actor) -> list[tuple[str, int]]:
    """Return (quiz id, question number) of the cases that are due on the day of `as_of`, longest due first.

    Cases of patients who withdrew, deleted studies and deleted quizzes are left out. `as_of` is naive UTC.
    """
    tomorrow = datetime(as_of.year, as_of.month, as_of.day) + timedelta(days=1)
    return review_schedule.due_questions(workspace.database, actor.acting_for("teaching"), alias, tomorrow)
