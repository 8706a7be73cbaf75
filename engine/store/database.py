"""The DuckDB file of a workspace: opened by one process, migrated by version number, written by one thread at a time.

Two properties of DuckDB shape this module. One process owns the file: a second one is refused, even to read. And a
connection must not be shared by threads: every read and every transaction takes a cursor of its own. Transactions go
through one lock, so two sessions of the app never meet in a write conflict; a commit is on disk when it returns, in
the log of DuckDB and in the journal (`engine.store.journal`). Acts that it noted are in the audit by then, or follow at
the next opening (`engine.store.acts`).
"""

from __future__ import annotations

import ctypes
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, cast

import duckdb

from engine.actor import Actor
from engine.errors import WorkspaceBusyError, WorkspaceError
from engine.files import sync, utc_now
from engine.store.acts import Act, note, require_for
from engine.store.audit_file import AuditFile
from engine.store.delivery import Delivery
from engine.store.journal import Journal, open_journal
from engine.store.lending import Reads
from engine.store.opening import check_length, check_tables, connect, first_line
from engine.store.read_cache import NotingCursor, ReadCache
from engine.store.recovery import SEQUENCE, Opened, forget_damaged, last_number, open_file
from engine.store.rewrite import copy_live_rows
from engine.store.rule import AccessRule
from engine.store.workspace_files import WorkspaceFiles
from engine.strings import text

FILE_NAME = "casebind.duckdb"
CLOSES_IN_S = 5.0
LARGE_LOG_BYTES = 1 << 24  # a checkpoint then costs less than a second copy; as DuckDB has it
CHANGES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b")
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
    audit  : what people did, in a file beside
    rule   : what decides of accounts, given by whoever opens the workspace; without, they see nothing
    files  : what reads words that are encrypted, given likewise and closed with this
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rule: AccessRule | None = None
        self.files: WorkspaceFiles | None = None
        self._lock = threading.RLock()
        self._reads = Reads()
        self._results = ReadCache()
        journal = _lock_journal(path)
        try:
            opened = Opened(connect(path)) if journal is None else open_file(path, journal)
        except BaseException:
            if journal is not None:
                journal.close()
            raise
        self._connection, self.remark, self.lost = opened.connection, opened.remark, opened.lost
        self._journal: Journal | None = None
        self._delivery: Delivery | None = None
        self._acts: list[tuple[Actor, Act]] = []  # that the next change of this thread is; under the lock
        try:
            with self._reading() as cursor:
                check_length(cursor, path)
                check_tables(cursor, path)
            self._migrate()
            with self._reading() as cursor:
                self._results.learn_tables(cursor)
            if journal is not None:
                self._start(journal)
            self.audit = AuditFile(path.parent)
            self._delivery = Delivery(self.audit)
            self._delivery.move(self.read)
        except BaseException:
            self._connection.close()
            if journal is not None:
                journal.close()
            raise

    @property
    def journal_failure(self) -> str:
        """One sentence on why journal or audit cannot be written now, "" while they can."""
        failure = "" if self._journal is None else self._journal.failure
        if failure:
            return text("journal.unwritable", reason=failure)
        return "" if self._delivery is None else self._delivery.failure

    def close(self) -> None:
        """Close the file; what was committed is safe without it. Waits for a thread that is just opening a cursor."""
        last = time.monotonic() + CLOSES_IN_S
        with self._lock:
            self._results.clear()
            while True:
                try:
                    self._connection.close()
                    self.audit.close()
                    if self.files is not None:
                        self.files.close()
                    if self._journal is not None:
                        self._journal.close()
                        self._journal = None
                    return
                except duckdb.Error:
                    if time.monotonic() > last:
                        raise
                    time.sleep(0.01)

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one statement, without asking again where nothing that it reads was written since."""

        def rows() -> list[tuple[Any, ...]]:
            with self._reading() as cursor:
                return cursor.execute(sql, list(parameters)).fetchall()

        return self._results.ask(sql, parameters, rows)

    def columns(self, sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any]:
        """Return the result as one numpy array per column, as `read` does."""

        def columns() -> dict[str, Any]:
            with self._reading() as cursor:
                return cursor.execute(sql, list(parameters)).fetchnumpy()

        return self._results.ask(sql, parameters, columns)

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor of its own; a block of the file that cannot be read becomes a sentence."""
        with self._reads.one():
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

    def with_patients(self, act: Act) -> Act:
        """Return an act with the patients of the studies that it names, where it names none."""
        if not act.returned or act.patients:
            return act
        sql = "SELECT DISTINCT patient_id FROM studies WHERE study_id IN (SELECT unnest(?)) ORDER BY patient_id"
        return replace(act, patients=tuple(one for (one,) in self.read(sql, [list(act.returned)])))

    @contextmanager
    def recording(self, actor: Actor, act: Act) -> Iterator[None]:
        """Note an act in the first transaction of the block that changes something; none where nothing changes.

        Raises NotPermittedError where the actor may not do it (engine.store.acts.NEEDS).
        """
        require_for(self.rule, actor, act)
        act = self.with_patients(act)
        with self._lock:
            self._acts.append((actor, act))
            length = len(self._acts)
            try:
                yield
            finally:
                del self._acts[length - 1 :]

    @contextmanager
    def write(self, actor: Actor | None = None, act: Act | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run one transaction: committed and on disk when the block ends, rolled back when it raises.

        actor, act : what is noted in it, as `recording` does
        """
        if actor is None or act is None:
            with self._writing() as cursor:
                yield cursor
        else:
            with self.recording(actor, act), self._writing() as cursor:
                yield cursor

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            cursor = self._cursor()
            try:
                cursor.execute("BEGIN TRANSACTION")
                writer = NotingCursor(cursor)
                yield cast("duckdb.DuckDBPyConnection", writer)
                self._note_acts(writer)
                if self._delivery is not None:
                    self._delivery.delete(cast("duckdb.DuckDBPyConnection", writer))
                number = self._next_number(cursor)
                with self._results.committing(writer.statements):
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
            if self._delivery is not None:
                self._delivery.move(self.read)

    def _note_acts(self, writer: NotingCursor) -> None:
        """Note the acts that this transaction is, where it changed something."""
        if self._acts and any(CHANGES.match(sql) for sql in writer.statements):
            acts, self._acts[:] = self._acts[:], []
            for actor, act in acts:
                note(cast("duckdb.DuckDBPyConnection", writer), actor, act)

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
        self._forget_delivered()
        self.checkpoint()
        forget_damaged(self.path.parent)

    def _forget_delivered(self) -> None:
        """Delete the acts that are in the audit by now."""
        with self._lock:
            if self._delivery is not None and self._delivery.moved:
                with self.write() as cursor:
                    self._delivery.delete(cursor, at_least=1)

    def exclusive(self) -> threading.RLock:
        """Return the lock that every transaction takes, for a change that is more than one transaction."""
        return self._lock

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor in a transaction that sees what is committed when the block begins."""
        with self._reads.one():
            cursor = self._cursor()
            try:
                cursor.execute("BEGIN TRANSACTION")
                cursor.execute("SELECT max(version) FROM schema_version")  # it begins with its first statement
                yield cursor
            finally:
                _rollback(cursor)
                cursor.close()

    def rewrite(self) -> None:
        """Put a file of the live rows in the place of this one, so that nothing of deleted rows is left in it.

        Writers wait, searches go on; reads wait while the files are exchanged. A process that is killed meanwhile
        leaves the one file or the other, both whole. Raises WorkspaceError where the disk has no room.
        """
        with self._lock:
            self.forget()
            cursor = self._cursor()
            try:
                new = copy_live_rows(cursor, self.path)
            finally:
                cursor.close()
            with self._reads.halted():
                self.checkpoint()
                if self._journal is not None and self._journal.log_bytes:
                    raise WorkspaceError("The workspace is in use and cannot be written anew now: try again.")
                self._connection.close()
                try:
                    connect(self.path, read_only=True).close()  # refused while a cursor is left on the old file
                    os.replace(new, self.path)
                    sync(self.path.parent)
                finally:
                    self._connection = connect(self.path)

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
                raise WorkspaceBusyError(
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
