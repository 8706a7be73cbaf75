"""Queues of pairs that were offered for rating: kept, so that a refresh or a restart goes on with the same pairs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import duckdb

from engine.files import utc_now
from engine.store.database import Database

OfferedPair = tuple[str, str, float | None, bool]  # query id, study id, score, at random
COLUMNS = "queue_id, who, strategy, asked, seed, release, created_at"


class QueueKey(NamedTuple):
    """What a queue is found by: the rater, the strategy, how many pairs were asked for, and the seed."""

    who: str
    strategy: str
    asked: int
    seed: int


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
    pairs: tuple[OfferedPair, ...]


def begin(
    database: Database,
    who: str,
    strategy: str,
    asked: int,
    seed: int,
    *,
    make: Callable[[], tuple[str, Sequence[OfferedPair]]],
) -> Queue:
    """Return the queue of this rater, strategy, size and seed; made by `make` (release, pairs) where there is none.

    Two who begin it at once get the same one.
    """
    with database.exclusive():
        found = find(database, who, strategy, asked, seed)
        if found is not None:
            return found
        release, pairs = make()
        with database.write() as cursor:
            return insert(cursor, QueueKey(who, strategy, asked, seed), release, pairs)


def insert(cursor: duckdb.DuckDBPyConnection, key: QueueKey, release: str, pairs: Sequence[OfferedPair]) -> Queue:
    """Store a queue with its pairs, inside a transaction."""
    made = Queue(secrets.token_hex(8), *key, release, utc_now(), tuple(pairs))
    cursor.execute(
        "INSERT INTO review_queues VALUES (?, ?, ?, ?, ?, ?, ?)", [made.queue_id, *key, release, made.created_at]
    )
    if pairs:
        cursor.executemany(
            "INSERT INTO review_pairs VALUES (?, ?, ?, ?, ?, ?)",
            [[made.queue_id, place, *pair] for place, pair in enumerate(pairs)],
        )
    return made


def find(database: Database, who: str, strategy: str, asked: int, seed: int) -> Queue | None:
    """Return the queue of this rater, strategy, size and seed, or None."""
    found = _read(database, "q.who = ? AND q.strategy = ? AND q.asked = ? AND q.seed = ?", [who, strategy, asked, seed])
    return found[-1] if found else None


def queues_of(database: Database, who: str, limit: int = 10) -> list[Queue]:
    """Return a rater's newest queues, newest first."""
    return _read(database, "q.who = ?", [who])[:limit]


def by_id(database: Database, queue_ids: Sequence[str]) -> dict[str, Queue]:
    """Return queue id → queue, of those that are there."""
    found = _read(database, "q.queue_id IN (SELECT unnest(?::VARCHAR[]))", [list(queue_ids)])
    return {one.queue_id: one for one in found}


def _read(database: Database, condition: str, values: Sequence[Any]) -> list[Queue]:
    """Return the queues that meet an SQL condition of this module, newest first, each with its pairs in order."""
    pairs = "SELECT queue_id, list((query_id, study_id, score, random_share) ORDER BY place) AS pairs FROM review_pairs"
    rows = database.read(
        f"SELECT {COLUMNS}, pairs FROM review_queues q LEFT JOIN ({pairs} GROUP BY queue_id) USING (queue_id)"
        f" WHERE {condition} ORDER BY created_at DESC, queue_id",
        values,
    )
    names = COLUMNS.split(", ")
    return [Queue(**dict(zip(names, row[:-1], strict=True)), pairs=tuple(row[-1] or ())) for row in rows]
