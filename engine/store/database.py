"""The DuckDB file of a workspace: opened by one process, migrated by version number, written by one thread at a time.

Two properties of DuckDB shape this module. One process owns the file: a second one is refused, even to read. And a
connection must not be shared by threads: every read and every transaction takes a cursor of its own. Transactions go
through one lock, so two sessions of the app never meet in a write conflict; a commit is on disk when it returns.
"""

from __future__ import annotations

import ctypes
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from engine.errors import WorkspaceError
from engine.files import utc_now
from engine.store.opening import check_length, connect, first_line

FILE_NAME = "casebind.duckdb"
CLOSES_IN_S = 5.0
DAMAGE = (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)
UNWRITTEN = "Could not write file"  # said inside other errors too, by a commit that finds the disk full
LOW_MEMORY, MIN_MEMORY = "96MB", "1MB"  # of DuckDB's memory while many codes are loaded, and just after that


def trim_memory() -> None:
    """Return freed memory to the system, where the C library keeps it (glibc's malloc_trim) and can be asked to."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def migrations() -> list[tuple[int, str]]:
    """Return the shipped (version, SQL) pairs, oldest first."""
    found = [
        (int(entry.name[7:10]), entry.read_text(encoding="utf-8"))
        for entry in resources.files("engine.store.migrations").iterdir()
        if re.fullmatch(r"schema_\d{3}\.sql", entry.name)
    ]
    return sorted(found)


class Database:
    """One open DuckDB file. `read` from any thread; `write` serialises all writers of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection = connect(path)
        try:
            check_length(self._connection, path)
            self._migrate()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; what was committed is safe without it. Waits for a thread that is just opening a cursor."""
        last = time.monotonic() + CLOSES_IN_S
        with self._lock:
            while True:
                try:
                    self._connection.close()
                    return
                except duckdb.Error:
                    if time.monotonic() > last:
                        raise
                    time.sleep(0.01)

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one statement."""
        with self._reading() as cursor:
            return cursor.execute(sql, list(parameters)).fetchall()

    def columns(self, sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any]:
        """Return the result as one numpy array per column."""
        with self._reading() as cursor:
            return cursor.execute(sql, list(parameters)).fetchnumpy()

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor of its own; a block of the file that cannot be read becomes a sentence."""
        cursor = self._cursor()
        try:
            yield cursor
        except DAMAGE as error:
            raise WorkspaceError(
                f"The workspace {self.path.parent} cannot be read, its file {self.path.name} is damaged "
                f"({first_line(error)}): restore it from a copy, or pass --workspace with another folder."
            ) from error
        finally:
            cursor.close()

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run one transaction: committed and on disk when the block ends, rolled back when it raises."""
        with self._lock:
            cursor = self._cursor()
            try:
                cursor.execute("BEGIN TRANSACTION")
                yield cursor
                cursor.execute("COMMIT")
            except BaseException as error:
                _rollback(cursor)
                if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException) or UNWRITTEN in str(error):
                    raise WorkspaceError(
                        f"The workspace could not be written ({first_line(error)}): check the free space of its disk."
                    ) from error
                raise
            finally:
                cursor.close()

    def exclusive(self) -> threading.RLock:
        """Return the lock that every transaction takes, for a change that is more than one transaction."""
        return self._lock

    def snapshot_cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor in a transaction that sees what is committed now; roll it back, then close it."""
        cursor = self._cursor()
        cursor.execute("BEGIN TRANSACTION")
        cursor.execute("SELECT max(version) FROM schema_version")  # a transaction begins with its first statement
        return cursor

    @contextmanager
    def low_memory(self) -> Iterator[None]:
        """Let DuckDB get by with little memory, alone, and give back what it cached."""
        with self._lock:
            before = self.read("SELECT current_setting('memory_limit')")[0][0]
            self._limit(LOW_MEMORY)
            try:
                yield
            finally:
                self._limit(MIN_MEMORY)
                self._limit(before)
                trim_memory()

    def _limit(self, memory: str) -> None:
        with suppress(duckdb.Error):  # refused while more is in use than that
            self._connection.cursor().execute(f"SET memory_limit = '{memory}'")

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.cursor()
        except duckdb.ConnectionException as error:
            raise WorkspaceError("The workspace was closed while it was in use: open it again.") from error

    def _migrate(self) -> None:
        """Bring the file to the newest schema; refuse one that a newer Casebind wrote."""
        with self.write() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER, applied_at TIMESTAMP)")
        present = self.read("SELECT coalesce(max(version), 0) FROM schema_version")[0][0]
        shipped = migrations()
        if present > shipped[-1][0]:
            raise WorkspaceError(
                f"The workspace has schema version {present} and this Casebind knows {shipped[-1][0]}: "
                "update Casebind, or pass --workspace with another folder."
            )
        for version, sql in shipped:
            if version > present:
                with self.write() as cursor:
                    cursor.execute(sql)
                    cursor.execute("INSERT INTO schema_version VALUES (?, ?)", [version, utc_now()])


def _rollback(cursor: duckdb.DuckDBPyConnection) -> None:
    """Roll back if a transaction is open; a failed COMMIT has closed it already."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
