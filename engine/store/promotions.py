"""Promotions: which release replaced which, when, and who asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import duckdb

from engine.files import utc_now
from engine.store.database import Database

Kind = Literal["promotion", "rollback", "reindex"]
RUNNING, DONE, FAILED = "running", "done", "failed"
COLUMNS = (
    "number, kind, who, began_at, ended_at, from_release, from_digest, to_release, to_digest, passes, falls, reason,"
    " state, why"
)
NAMES = COLUMNS.replace(" ", "").split(",")


@dataclass(frozen=True)
class PromotionRow:
    """One promotion, rollback or re-index, as it was asked for and as it ended.

    passes : the gate's verdict; None where nothing was measured
    falls  : the guards that fell, in words
    reason : why it was done all the same
    state  : running, done or failed; why : a sentence where it failed
    """

    number: int
    kind: Kind
    who: str
    began_at: datetime
    ended_at: datetime | None
    from_release: str
    from_digest: str
    to_release: str
    to_digest: str
    passes: bool | None
    falls: tuple[str, ...]
    reason: str
    state: str
    why: str


@dataclass(frozen=True)
class PromotionRequest:
    """A promotion that somebody asks for; (name, digest) of both releases, the rest as in PromotionRow."""

    kind: Kind
    who: str
    before: tuple[str, str]
    after: tuple[str, str]
    passed: bool | None = None
    failed_guards: tuple[str, ...] = ()
    reason: str = ""


def read_promotions(database: Database) -> list[PromotionRow]:
    """Return all promotions, oldest first."""
    return [_row(found) for found in database.read(f"SELECT {COLUMNS} FROM promotions ORDER BY number")]


def begin(cursor: duckdb.DuckDBPyConnection, request: PromotionRequest) -> int:
    """Record that a promotion begins, inside a transaction; return its number. An interrupted one is closed."""
    close_open(cursor, "it was cut off before the last study")
    found = cursor.execute(
        "INSERT INTO promotions VALUES"
        " (nextval('event_number'), ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, '') RETURNING number",
        [
            request.kind,
            request.who,
            utc_now(),
            *request.before,
            *request.after,
            request.passed,
            list(request.failed_guards),
            request.reason,
            RUNNING,
        ],
    ).fetchone()
    return int(found[0])  # type: ignore[index]


def end(cursor: duckdb.DuckDBPyConnection, number: int, state: str, error: str = "") -> None:
    """Close a row, inside a transaction."""
    cursor.execute(
        "UPDATE promotions SET ended_at = ?, state = ?, why = ? WHERE number = ?", [utc_now(), state, error, number]
    )


def close_open(cursor: duckdb.DuckDBPyConnection, error: str) -> None:
    """Close every row that is open, inside a transaction: nothing runs behind it any more."""
    cursor.execute(
        "UPDATE promotions SET ended_at = ?, state = ?, why = ? WHERE state = ?", [utc_now(), FAILED, error, RUNNING]
    )


def _row(values: Sequence[Any]) -> PromotionRow:
    record = dict(zip(NAMES, values, strict=True))
    return PromotionRow(**{**record, "falls": tuple(record["falls"])})
