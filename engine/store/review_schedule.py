"""When cases come back to learners: history, of which the latest row per actor, alias and case counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from engine.actor import Actor
from engine.store import permission
from engine.store.database import Database

LATEST = "QUALIFY row_number() OVER (PARTITION BY lower(alias), study_id ORDER BY number DESC) = 1"

OWN = "who = ? AND lower(alias) = lower(?) AND (session = ? OR session = '' OR ? = '')"


@dataclass(frozen=True)
class ScheduledReview:
    """One answer's effect on a case: its card of the scheduler as JSON, and when the case is due. Times are naive UTC.

    quiz_id, number : the question that was answered, which asks again
    """

    alias: str
    study_id: str
    quiz_id: str
    number: int
    card: str
    due: datetime
    reviewed_at: datetime


def latest_card(cursor: duckdb.DuckDBPyConnection, actor: Actor, alias: str, study_id: str) -> str | None:
    """Return the card of a case, as JSON; None where the learner has not answered it yet."""
    sql = f"SELECT card FROM recalls WHERE {OWN} AND study_id = ? {LATEST}"
    row = cursor.execute(sql, [*_own(actor, alias), study_id]).fetchone()
    return None if row is None else str(row[0])


def insert(cursor: duckdb.DuckDBPyConnection, actor: Actor, review: ScheduledReview) -> None:
    """Append a review of the actor, inside a transaction."""
    cursor.execute(
        "INSERT INTO recalls (number, who, session, alias, study_id, quiz_id, question, card, due, reviewed_at)"
        " VALUES (nextval('event_number'), ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            actor.name,
            actor.session,
            review.alias,
            review.study_id,
            review.quiz_id,
            review.number,
            review.card,
            review.due,
            review.reviewed_at,
        ],
    )


def due_questions(database: Database, actor: Actor, alias: str, before: datetime) -> list[tuple[str, int]]:
    """Return (quiz id, question number) of the cases that are due before a moment, longest due first.

    Cases that the actor may not see, deleted studies and deleted quizzes are left out.
    """
    return permission.read(
        database,
        actor,
        "SELECT r.quiz_id, r.question"
        f" FROM (SELECT * FROM recalls WHERE {OWN} {LATEST}) r"
        " JOIN permitted_studies s USING (study_id) JOIN quizzes q ON q.quiz_id = r.quiz_id"
        " WHERE r.due < ? AND q.deleted_at IS NULL ORDER BY r.due, r.study_id",
        [*_own(actor, alias), before],
    )


def _own(actor: Actor, alias: str) -> list[str]:
    """Return the values of OWN."""
    return [actor.name, alias, actor.session, actor.session]
