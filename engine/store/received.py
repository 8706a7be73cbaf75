"""What lies or lay in the inbox: `inbox/received.db`, a SQLite ledger that listener, jobs and app read and write.

DuckDB gives the record to one process; storage commitment has to be answered by another one. A row is written when an
object is on disk under its name, before the sender is told so. Numbers stand in it as keyed hashes.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from engine.errors import WorkspaceError
from engine.store.own_file import open_own

FILE = "received.db"
WAIT_S = 10.0  # for another process that writes
TABLES = (
    "CREATE TABLE IF NOT EXISTS objects (object TEXT NOT NULL, digest TEXT NOT NULL, kind TEXT NOT NULL,"
    " sender TEXT NOT NULL, cohort TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (object, digest)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS lasts (what TEXT PRIMARY KEY, sender TEXT NOT NULL, at TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS owed (number TEXT PRIMARY KEY, sender TEXT NOT NULL, request BLOB NOT NULL)",
)


class Origin(NamedTuple):
    """Where an object came from: name of its SOP class, who sent it, into which cohort it goes."""

    kind: str
    sender: str
    cohort: str


class Last(NamedTuple):
    """When something happened last, ISO 8601 in UTC, and by whom."""

    at: str
    sender: str


class Owed(NamedTuple):
    """A storage commitment that was asked for and is not reported: its number, who asked, the encoded request."""

    number: str
    sender: str
    request: bytes


class Received:
    """The ledger of one inbox, opened; may be used from several threads and beside other processes."""

    def __init__(self, folder: Path) -> None:
        """Open the ledger, made where there is none; WorkspaceError where that cannot be."""
        path = folder / FILE
        self._lock = threading.RLock()
        try:
            self._connection = open_own(path, (TABLES,), wait_s=WAIT_S)
        except (sqlite3.Error, OSError) as problem:
            raise _unusable(problem) from problem

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def add(self, key: str, digest: str, origin: Origin) -> None:
        """Note that an object is on disk; on disk itself when this returns."""
        with self._working() as run:
            run("BEGIN IMMEDIATE")
            run("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)", (key, digest, *origin, _now()))
            run("INSERT OR REPLACE INTO lasts VALUES ('object', ?, ?)", (origin.sender, _now()))
            run("COMMIT")

    def has(self, key: str) -> bool:
        """Say whether an object was received, whatever its bytes."""
        with self._working() as run:
            return bool(run("SELECT 1 FROM objects WHERE object = ? LIMIT 1", (key,)).fetchall())

    def origin(self, key: str, digest: str) -> Origin | None:
        """Return where an object came from; None where the ledger does not know it."""
        sql = "SELECT kind, sender, cohort FROM objects WHERE object = ? AND digest = ?"
        with self._working() as run:
            found = run(sql, (key, digest)).fetchall()
        return Origin(*found[0]) if found else None

    def happened(self, what: str, sender: str) -> None:
        """Note when something happened last, such as an echo."""
        with self._working() as run:
            run("INSERT OR REPLACE INTO lasts VALUES (?, ?, ?)", (what, sender, _now()))

    def lasts(self) -> dict[str, Last]:
        """Return what happened last, by name."""
        with self._working() as run:
            return {what: Last(at, sender) for what, sender, at in run("SELECT what, sender, at FROM lasts").fetchall()}

    def owe(self, one: Owed) -> None:
        """Note a commitment that is to be reported."""
        with self._working() as run:
            run("INSERT OR REPLACE INTO owed VALUES (?, ?, ?)", one)

    def paid(self, number: str) -> None:
        """Forget a commitment that was reported."""
        with self._working() as run:
            run("DELETE FROM owed WHERE number = ?", (number,))

    def owed(self) -> list[Owed]:
        """Return the commitments that are to be reported."""
        with self._working() as run:
            return [Owed(*row) for row in run("SELECT number, sender, request FROM owed ORDER BY number").fetchall()]

    @contextmanager
    def _working(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        with self._lock:
            try:
                yield self._connection.execute
            except sqlite3.Error as problem:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise _unusable(problem) from problem


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _unusable(problem: Exception) -> WorkspaceError:
    return WorkspaceError(f"The ledger of the inbox cannot be used ({problem}): check its disk and who owns it.")
