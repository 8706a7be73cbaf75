"""The audit of a workspace: `audit.db` beside the record, a SQLite file to which rows are appended and nothing else.

A row's body is canonical JSON; `n` counts from 1 without gaps, and each hash covers the one before it
(`engine.store.audit_chain`). The other columns repeat words of the body so that they can be looked for; a verification
holds them against it. The app and the shell append at once, each row on disk when `append` returns.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from engine import counters
from engine.actor import Actor
from engine.errors import WorkspaceError
from engine.store.acts import KINDS, Act, body_of, without_blanks
from engine.store.audit_chain import canonical, first_hash, row_hash
from engine.store.own_file import open_own

FILE = "audit.db"
WAIT_S = 10.0  # for another process that writes
BACK_S = 2.0  # a clock that goes back by more is on record
APPEND_ONLY = ("UPDATE", "DELETE")
TABLES = (
    "CREATE TABLE record (workspace TEXT NOT NULL)",
    "CREATE TABLE rows (n INTEGER PRIMARY KEY, body BLOB NOT NULL, hash BLOB NOT NULL, entry TEXT NOT NULL,"
    " who TEXT NOT NULL, kind TEXT NOT NULL, recorded TEXT NOT NULL)",
    "CREATE UNIQUE INDEX rows_entry ON rows (entry)",
    "CREATE INDEX rows_who ON rows (who, kind)",
    "CREATE INDEX rows_kind ON rows (kind)",
    "CREATE INDEX rows_recorded ON rows (recorded)",
    *(
        f"CREATE TRIGGER no_{act.lower()} BEFORE {act} ON rows BEGIN SELECT RAISE(ABORT, 'rows are only appended'); END"
        for act in APPEND_ONLY
    ),
)
STEPS = ((*TABLES, "INSERT INTO record VALUES (lower(hex(randomblob(16))))"),)  # from each version to the next
COPIED = ("entry", "who", "kind", "recorded")  # columns that repeat words of the body
SYSTEM = Actor("casebind")


class StoredRow(NamedTuple):
    """One row as it stands in the file; whatever was done to the file, so of any type."""

    n: Any
    body: Any
    hash: Any
    entry: Any
    who: Any
    kind: Any
    recorded: Any


class AuditFile:
    """The file of one workspace, opened; may be used from several threads and beside other processes."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        """Open the file in a workspace's folder, made where there is none; WorkspaceError where that cannot be.

        read_only : as it stands, for a verification; then there must be one
        """
        self.path = folder / FILE
        self._lock = threading.RLock()
        with self._sentences():
            self._connection = _open_read_only(self.path) if read_only else open_own(self.path, STEPS, wait_s=WAIT_S)
            self._connection.text_factory = _text

    def __enter__(self) -> AuditFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def append(self, actor: Actor, act: Act) -> int:
        """Append the row of an act, on disk when this returns; return its number. WorkspaceError where it cannot be."""
        with self._writing():
            return self._add(body_of(actor, act))

    def deliver(self, noted: Sequence[tuple[str, str]]) -> None:
        """Append rows of acts that were noted in their transactions, (entry, body); one that is there is left."""
        with self._writing():
            for entry, body in noted:
                if self._number(entry) is None:
                    self._add(without_blanks(json.loads(body)))

    def number_of(self, entry: str) -> int:
        """Return the number of the row of an entry; WorkspaceError where it is not written yet."""
        with self._lock, self._sentences():
            found = self._number(entry)
        if found is None:
            raise _unusable(self.path, "a row is not written yet")
        return found

    def workspace(self) -> str:
        """Return the id of the workspace, drawn when the file was made."""
        return str(self._read("SELECT workspace FROM record")[0][0])

    def size(self) -> int:
        """Return the number of the last row, 0 before the first."""
        return int(self._read("SELECT coalesce(max(n), 0) FROM rows")[0][0])

    def rows(self, condition: str = "1", values: Sequence[object] = (), *, newest: int | None = None) -> list[Any]:
        """Return the bodies of rows that meet an SQL condition on the columns: oldest first, or so many newest first.

        A body that is no JSON is left out: a verification names it.
        """
        order = "n" if newest is None else "n DESC LIMIT ?"
        limit = () if newest is None else (newest,)
        found = self._read(f"SELECT body FROM rows WHERE {condition} ORDER BY {order}", (*values, *limit))
        bodies = []
        for (body,) in found:
            with suppress(ValueError, TypeError):
                bodies.append(json.loads(body))
        return bodies

    def people(self) -> list[str]:
        """Return everybody of whom there is a row, in order."""
        return [str(who) for (who,) in self._read("SELECT DISTINCT who FROM rows ORDER BY who")]

    def stored(self, after: int = 0) -> Iterator[StoredRow]:
        """Return every row behind a number as it stands, in order, for a verification."""
        with self._lock, self._sentences():
            sql = f"SELECT n, body, hash, {', '.join(COPIED)} FROM rows NOT INDEXED"
            which, values = (" WHERE n > ?", (after,)) if after else ("", ())
            yield from map(StoredRow._make, self._connection.execute(f"{sql}{which} ORDER BY n", values))

    def structure(self) -> str:
        """Return what differs from the tables, indexes and triggers that the file should have, "" where nothing does.

        SQLite's own check is part of it: an index that lacks a row, pages that do not fit together.
        """
        with self._lock, self._sentences():
            found = {sql for (sql,) in self._connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
            (said,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != set(TABLES):
            return "its tables are not those that Casebind makes"
        return "" if said == "ok" else str(said).splitlines()[0]

    def check_writable(self) -> None:
        """Raise WorkspaceError where no row could be appended now; waits for another process that writes."""
        with self._writing():
            return

    def sync(self) -> None:
        """Move the log into the file, so that it stands by itself."""
        with self._lock, self._sentences():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _add(self, body: dict[str, Any]) -> int:
        """Append a row inside a transaction; before it a row on a clock that went back."""
        last = self._connection.execute("SELECT n, hash, recorded FROM rows ORDER BY n DESC LIMIT 1").fetchone()
        now = datetime.now(UTC)
        if last is not None and body["kind"] != "clock went back":
            back = _moment(last[2]) - now
            if back > timedelta(seconds=BACK_S):
                about = {"seconds": round(back.total_seconds(), 3), "before": last[2]}
                self._add(body_of(SYSTEM, Act("clock went back", about=about)))
                return self._add(body)
        n, before = (1, first_hash(self.workspace())) if last is None else (last[0] + 1, last[1])
        body = {**body, "n": n, "recorded": now.isoformat(timespec="microseconds")}
        raw = canonical(body)
        self._connection.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)",
            (n, raw, row_hash(before, raw), *(body[name] for name in COPIED)),
        )
        counters.acted(body["kind"] if body["kind"] in KINDS else "other", body.get("outcome", "done"))
        return int(n)

    def _number(self, entry: str) -> int | None:
        found = self._connection.execute("SELECT n FROM rows WHERE entry = ?", (entry,)).fetchone()
        return None if found is None else int(found[0])

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock, self._sentences():
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Begin a transaction that holds the file, and commit it on disk; roll back where the block raises."""
        with self._lock, self._sentences():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:  # some errors end it by themselves
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            raise _unusable(self.path, str(problem)) from problem


def _unusable(path: Path, problem: str) -> WorkspaceError:
    return WorkspaceError(
        f"The audit {path} cannot be used ({problem}), so nothing is shown: check the free space of its disk, who may "
        "write to its folder, and the file by `casebind audit verify`."
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _moment(recorded: str) -> datetime:
    try:
        return datetime.fromisoformat(recorded)
    except (TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def _open_read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S, check_same_thread=False)
