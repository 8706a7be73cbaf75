"""Queues of pairs that were offered for rating: kept, so that a refresh or a restart goes on with the same pairs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.index.database import Database, now

Pair = tuple[str, str, float | None, bool]  # query id, study id, score, at random
COLUMNS = "queue_id, who, strategy, asked, seed, release, created_at"


@dataclass(frozen=True)
class Queue:
    """One queue: for whom, by which strategy, how many pairs were asked for, by which seed, under which release."""

    queue_id: str
    who: str
    strategy: str
    asked: int
    seed: int
    release: str
    created_at: datetime
    pairs: tuple[Pair, ...]


def begin(
    database: Database, who: str, strategy: str, asked: int, seed: int, make: Callable[[], tuple[str, Sequence[Pair]]]
) -> Queue:
    """Return the queue of this rater, strategy, size and seed; made by `make` (release, pairs) where there is none.

    Two who begin it at once get the same one.
    """
    with database.exclusive():
        found = find(database, who, strategy, asked, seed)
        if found is not None:
            return found
        release, pairs = make()
        made = Queue(secrets.token_hex(8), who, strategy, asked, seed, release, now(), tuple(pairs))
        with database.write() as cursor:
            cursor.execute(
                "INSERT INTO review_queues VALUES (?, ?, ?, ?, ?, ?, ?)",
                [made.queue_id, who, strategy, asked, seed, release, made.created_at],
            )
            if pairs:
                cursor.executemany(
                    "INSERT INTO review_pairs VALUES (?, ?, ?, ?, ?, ?)",
                    [[made.queue_id, place, *pair] for place, pair in enumerate(pairs)],
                )
        return made


def find(database: Database, who: str, strategy: str, asked: int, seed: int) -> Queue | None:
    """Return the queue of this rater, strategy, size and seed, or None."""
    rows = database.read(
        f"SELECT {COLUMNS} FROM review_queues WHERE who = ? AND strategy = ? AND asked = ? AND seed = ?"
        " ORDER BY created_at LIMIT 1",
        [who, strategy, asked, seed],
    )
    return _with_pairs(database, rows[0]) if rows else None


def of(database: Database, who: str, most: int = 10) -> list[Queue]:
    """Return a rater's newest queues, newest first."""
    rows = database.read(
        f"SELECT {COLUMNS} FROM review_queues WHERE who = ? ORDER BY created_at DESC LIMIT ?", [who, most]
    )
    return [_with_pairs(database, row) for row in rows]


def _with_pairs(database: Database, row: tuple[Any, ...]) -> Queue:
    pairs = database.read(
        "SELECT query_id, study_id, score, random_share FROM review_pairs WHERE queue_id = ? ORDER BY place", [row[0]]
    )
    return Queue(*row, pairs=tuple(pairs))  # type: ignore[misc]
