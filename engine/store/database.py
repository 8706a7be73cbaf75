"""The DuckDB file of a workspace: opened by one process, migrated by version number, written by one thread at a time.

Two properties of DuckDB shape this module. One process owns the file: a second one is refused, even to read. And a
connection must not be shared by threads: every read and every transaction takes a cursor of its own. Transactions go
through one lock, so two sessions of the app never meet in a write conflict; a commit is on disk when it returns, in
the log of DuckDB and in the journal (`engine.store.journal`).
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
from engine.store.journal import Journal, open_journal
from engine.store.opening import check_length, check_tables, connect, first_line
from engine.store.recovery import SEQUENCE, Opened, forget_damaged, last_number, open_file
from engine.strings import text

FILE_NAME = "casebind.duckdb"
CLOSES_IN_S = 5.0
LARGE_LOG_BYTES = 1 << 24  # a checkpoint then costs less than a second copy; as DuckDB has it
LOCKS_IN_S = 0.5  # the journal, while another process closes it
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
    """One open DuckDB file. `read` from any thread; `write` serialises all writers of the process.

    remark : what was damaged when it was opened and what is missing, one sentence; "" where nothing was
    lost   : number of acknowledged changes that are missing
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        journal = _lock_journal(path)
        try:
            opened = Opened(connect(path)) if journal is None else open_file(path, journal)
        except BaseException:
            if journal is not None:
                journal.close()
            raise
        self._connection, self.remark, self.lost = opened.connection, opened.remark, opened.lost
        self._journal: Journal | None = None
        try:
            with self._reading() as cursor:
                check_length(cursor, path)
                check_tables(cursor, path)
            self._migrate()
            if journal is not None:
                self._start(journal)
        except BaseException:
            self._connection.close()
            if journal is not None:
                journal.close()
            raise

    @property
    def journal_failure(self) -> str:
        """One sentence on why the journal cannot be written now, "" while it can."""
        failure = "" if self._journal is None else self._journal.failure
        return text("journal.unwritable", reason=failure) if failure else ""

    def close(self) -> None:
        """Close the file; what was committed is safe without it. Waits for a thread that is just opening a cursor."""
        last = time.monotonic() + CLOSES_IN_S
        with self._lock:
            while True:
                try:
                    self._connection.close()
                    if self._journal is not None:
                        self._journal.close()
                        self._journal = None
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
                number = self._next_number(cursor)
                cursor.execute("COMMIT")
            except BaseException as error:
                _rollback(cursor)
                if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException) or UNWRITTEN in str(error):
                    raise _unwritten(error) from error
                raise
            finally:
                cursor.close()
            if self._journal is not None:
                if self._journal.log_bytes > LARGE_LOG_BYTES:
                    with suppress(duckdb.Error):
                        self._connection.cursor().execute("CHECKPOINT")
                self._journal.follow(number)

    def checkpoint(self) -> None:
        """Move the log into the database and empty the journal; while a long transaction runs both may stay."""
        with self._lock:
            try:
                self._connection.cursor().execute("CHECKPOINT")
            except duckdb.TransactionException:
                return
            except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
                raise _unwritten(error) from error
            if self._journal is not None:
                self._journal.cut(last_number(self._cursor()))

    def forget(self) -> None:
        """Leave nothing of deleted rows in the log, the journal and what was set aside of damaged ones."""
        self.checkpoint()
        forget_damaged(self.path.parent)

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

    def _next_number(self, cursor: duckdb.DuckDBPyConnection) -> int:
        """Return the number of the change that a transaction is about to commit; 0 where there is no journal."""
        if self._journal is None:
            return 0
        ((number,),) = cursor.execute(f"SELECT nextval('{SEQUENCE}')").fetchall()
        return int(number)

    def _start(self, journal: Journal) -> None:
        """Begin an empty journal: what the log has moves into the database, so that nothing follows on a torn end."""
        journal.start([table for (table,) in self.read("SELECT table_name FROM duckdb_tables()")])
        if journal.log_bytes:
            self.checkpoint()
        journal.cut(last_number(self._cursor()))
        self._journal = journal

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


def _lock_journal(path: Path) -> Journal | None:
    """Open the journal of a file, None where this process has it already; WorkspaceError where another one has."""
    last = time.monotonic() + LOCKS_IN_S
    while True:
        try:
            return open_journal(path)
        except BlockingIOError as error:
            if time.monotonic() > last:
                connect(path, read_only=True).close()  # says which process it is; changes nothing where it is gone
                raise WorkspaceError(
                    f"The workspace {path.parent} is just being opened by another process: try again."
                ) from error
            time.sleep(0.05)


def _unwritten(error: BaseException) -> WorkspaceError:
    return WorkspaceError(
        f"The workspace could not be written ({first_line(error)}): check the free space of its disk."
    )


def _rollback(cursor: duckdb.DuckDBPyConnection) -> None:
    """Roll back if a transaction is open; a failed COMMIT has closed it already."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
