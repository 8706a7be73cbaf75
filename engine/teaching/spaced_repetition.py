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

from engine.store.filters import CONSENT_SQL
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from fsrs import Scheduler

LATEST = "QUALIFY row_number() OVER (PARTITION BY lower(alias), study_id ORDER BY number DESC) = 1"


@lru_cache(maxsize=1)
def _scheduler() -> Scheduler:
    from fsrs import Scheduler

    return Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def remember(
    cursor: duckdb.DuckDBPyConnection,
    alias: str,
    study_id: str,
    quiz_id: str,
    number: int,
    right: bool,
    answered_at: datetime,
) -> None:
    """Schedule the case's return after an answer, inside its transaction. `at` is naive UTC."""
    from fsrs import Card, Rating

    known = cursor.execute(
        f"SELECT card FROM recalls WHERE lower(alias) = lower(?) AND study_id = ? {LATEST}", [alias, study_id]
    ).fetchone()
    card = Card.from_dict(json.loads(known[0])) if known else Card(card_id=1, due=answered_at.replace(tzinfo=UTC))
    rating = Rating.Good if right else Rating.Again
    card, _ = _scheduler().review_card(card, rating, answered_at.replace(tzinfo=UTC))
    due = card.due.astimezone(UTC).replace(tzinfo=None)
    cursor.execute(
        "INSERT INTO recalls VALUES (nextval('event_number'), ?, ?, ?, ?, ?, ?, ?)",
        [alias, study_id, quiz_id, number, json.dumps(card.to_dict()), due, answered_at],
    )


def due_cases(workspace: Workspace, alias: str, as_of: datetime) -> list[tuple[str, int]]:
    """Return (quiz id, question number) of the cases that are due to a learner on the day of `at`, longest due first.

    Cases of patients who withdrew, deleted studies and deleted quizzes are left out. `at` is naive UTC.
    """
    tomorrow = datetime(as_of.year, as_of.month, as_of.day) + timedelta(days=1)
    return workspace.database.read(
        "SELECT r.quiz_id, r.question"
        f" FROM (SELECT * FROM recalls WHERE lower(alias) = lower(?) {LATEST}) r"
        " JOIN studies s USING (study_id) JOIN quizzes q ON q.quiz_id = r.quiz_id"
        f" WHERE r.due < ? AND q.deleted_at IS NULL AND {CONSENT_SQL} ORDER BY r.due, r.study_id",
        [alias, tomorrow],
    )
