"""Who was asked to read which queue by which day. The pairs are those of the queue; how far it is, its ratings say."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from engine.files import utc_now
from engine.store import review_queues
from engine.store.database import Database
from engine.store.review_queues import OfferedPair, QueueKey

COLUMNS = "assignment_id, queue_id, who, assigned_by, due, note, created_at"


@dataclass(frozen=True)
class AssignmentRow:
    """One reader's part of an assignment."""

    assignment_id: str
    queue_id: str
    who: str
    assigned_by: str
    due: date | None
    note: str
    created_at: datetime


@dataclass(frozen=True)
class AssignmentTerms:
    """What goes for every reader of an assignment: who asked, by which day, and a note."""

    assigned_by: str
    due: date | None = None
    note: str = ""


def assign(
    database: Database, terms: AssignmentTerms, release: str, pairs: Mapping[QueueKey, Sequence[OfferedPair]]
) -> str:
    """Store a queue per reader and what was asked of them, all of it or none; return the id of the assignment."""
    assignment_id, now = f"a-{secrets.token_hex(6)}", utc_now()
    with database.write() as cursor:
        for key, offered in pairs.items():
            made = review_queues.insert(cursor, key, release, offered)
            cursor.execute(
                "INSERT INTO assignments VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                [assignment_id, made.queue_id, key.who, terms.assigned_by, terms.due, terms.note, now],
            )
    return assignment_id


def assignments(database: Database, who: str | None = None) -> list[AssignmentRow]:
    """Return what was asked and not withdrawn, of one reader or of everyone: the earliest day first."""
    found = database.read(
        f"SELECT {COLUMNS} FROM assignments WHERE ended_at IS NULL AND (? IS NULL OR who = ?)"
        " ORDER BY due NULLS LAST, created_at, who",
        [who, who],
    )
    return [AssignmentRow(*row) for row in found]


def withdraw(database: Database, assignment_id: str) -> None:
    """Ask for it no more; what was read stays."""
    with database.write() as cursor:
        cursor.execute(
            "UPDATE assignments SET ended_at = ? WHERE assignment_id = ? AND ended_at IS NULL",
            [utc_now(), assignment_id],
        )
