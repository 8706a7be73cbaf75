"""The keys of a workspace, one a patient and one a stored query, each wrapped by the workspace key: `keys.db`.

    <workspace>/keys.db   where the workspace key comes from, its name, and the wrapped keys

Whoever has the file and not the workspace key can read nothing. A key that is deleted here makes every file that was
written under it unreadable. Whose a key is stands here as a keyed hash. The file goes into backups.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from engine.errors import UsageError, WorkspaceError
from engine.files import utc_now
from engine.store.encryption import KEY_BYTES, ChangedError, derived, unwrap, wrap
from engine.store.key_source import OTHERS, VARIABLE, name_of, read_workspace_key
from engine.store.own_file import open_own

FILE = "keys.db"
WAIT_S = 10.0
TABLES = (
    "CREATE TABLE workspace_key (only INTEGER PRIMARY KEY CHECK (only = 1), source TEXT NOT NULL, name TEXT NOT NULL,"
    " since TEXT NOT NULL)",
    "CREATE TABLE data_keys (key_id BLOB PRIMARY KEY, owner TEXT NOT NULL UNIQUE, wrapped BLOB NOT NULL) WITHOUT ROWID",
)
STEPS = (TABLES,)  # from each version to the next
WRAPS = b"casebind key wrap"


class DataKey(NamedTuple):
    """A key and the 16 bytes by which it is found."""

    key_id: bytes
    key: bytes


class DataKeys:
    """The keys of one workspace, unlocked. Safe to use from many threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection, workspace_key: bytes) -> None:
        self._path, self._connection = path, connection
        self._lock = threading.RLock()
        self._wrapping = derived(workspace_key, WRAPS)
        self._known: dict[bytes, bytes] = {}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._known.clear()
            self._connection.close()

    @property
    def source(self) -> str:
        """Where the workspace key comes from."""
        with self._lock:
            return str(self._connection.execute("SELECT source FROM workspace_key").fetchone()[0])

    def __len__(self) -> int:
        with self._lock:
            return int(self._connection.execute("SELECT count(*) FROM data_keys").fetchone()[0])

    def key(self, key_id: bytes) -> bytes | None:
        """Return a key; None where there is none of this id, or it is not as it was written."""
        with self._lock:
            if key_id not in self._known:
                sql = "SELECT owner, wrapped FROM data_keys WHERE key_id = ?"
                if (row := self._connection.execute(sql, (key_id,)).fetchone()) is None:
                    return None
                with suppress(ChangedError):
                    self._known[key_id] = unwrap(row[1], self._wrapping, _about(key_id, row[0]))
            return self._known.get(key_id)

    def of(self, owners: Iterable[str]) -> dict[str, DataKey]:
        """Return owner → key, on disk when this returns; those that have none get one. Raises WorkspaceError."""
        owners, found = list(dict.fromkeys(owners)), {}
        with self._lock:
            for owner in owners:
                row = self._connection.execute("SELECT key_id FROM data_keys WHERE owner = ?", (owner,)).fetchone()
                if row is not None:
                    if (key := self.key(row[0])) is None:
                        raise WorkspaceError(f"A key in {self._path} is damaged: restore the file from a backup.")
                    found[owner] = DataKey(row[0], key)
            missing = [owner for owner in owners if owner not in found]
            new = [(secrets.token_bytes(16), owner, secrets.token_bytes(KEY_BYTES)) for owner in missing]
            if new:
                rows = [(one, owner, wrap(key, self._wrapping, _about(one, owner))) for one, owner, key in new]
                with self._writing():
                    self._connection.executemany("INSERT INTO data_keys VALUES (?, ?, ?)", rows)
                self._known |= {one: key for one, _, key in new}
            return found | {owner: DataKey(one, key) for one, owner, key in new}

    def destroy(self, owners: Iterable[str]) -> int:
        """Delete the keys of owners, and their bytes in the file; return how many there were."""
        with self._lock:
            self._known.clear()
            with self._writing():
                sql = "DELETE FROM data_keys WHERE owner = ?"
                gone = sum(self._connection.execute(sql, (owner,)).rowcount for owner in set(owners))
            if gone:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return gone

    def rotate(self, source: str, workspace_key: bytes) -> int:
        """Wrap every key anew under another workspace key, all or none; return how many."""
        with self._lock:
            wrapping, rows = derived(workspace_key, WRAPS), []
            for key_id, owner, wrapped in self._connection.execute("SELECT * FROM data_keys").fetchall():
                try:
                    key = unwrap(wrapped, self._wrapping, _about(key_id, owner))
                except ChangedError as error:
                    raise WorkspaceError(
                        f"A key in {self._path} is damaged: restore the file from a backup."
                    ) from error
                rows.append((wrap(key, wrapping, _about(key_id, owner)), key_id))
            with self._writing():
                self._connection.executemany("UPDATE data_keys SET wrapped = ? WHERE key_id = ?", rows)
                self._connection.execute("DELETE FROM workspace_key")
                self._connection.execute("INSERT INTO workspace_key VALUES (1, ?, ?, ?)", _named(source, workspace_key))
            self._wrapping = wrapping
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return len(rows)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException as problem:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(problem, sqlite3.Error):
                raise WorkspaceError(f"{self._path} cannot be written ({problem}): check its disk.") from problem
            raise


def open_keys(folder: Path) -> DataKeys | None:
    """Return the keys of a workspace, unlocked; None where it is not encrypted.

    Raises WorkspaceError where the file or the workspace key cannot be read, or the key is another one.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    connection = _connected(path)
    try:
        row = connection.execute("SELECT source, name FROM workspace_key").fetchone()
        if row is None:  # a process ended before it had begun
            connection.close()
            return None
        source = os.environ.get(VARIABLE) or row[0]
        if source.startswith("command:") and source == row[0]:
            _check_own(path)
        key = read_workspace_key(source)
        if name_of(key) != row[1]:
            raise WorkspaceError(
                f"The key from {source} is not the one that the workspace {folder} is encrypted with ({row[1]}): name "
                f"the right one by {VARIABLE}."
            )
    except sqlite3.Error as problem:
        connection.close()
        raise _unreadable(path, problem) from problem
    except BaseException:
        connection.close()
        raise
    return DataKeys(path, connection, key)


def begin_keys(folder: Path, source: str) -> DataKeys:
    """Make the file of a workspace that has none, under the workspace key from a source; return it, unlocked."""
    key, path = read_workspace_key(source), folder / FILE
    connection = _connected(path)
    with _closed_on_failure(path, connection):
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT count(*) FROM workspace_key").fetchone()[0]:
            raise UsageError("The workspace is encrypted already: name another key by --rotate.")
        connection.execute("INSERT INTO workspace_key VALUES (1, ?, ?, ?)", _named(source, key))
        connection.execute("COMMIT")
    return DataKeys(path, connection, key)


def keys_missing(folder: Path) -> WorkspaceError:
    """Return the error about a workspace whose files are encrypted and that has no keys."""
    return WorkspaceError(
        f"The workspace {folder} is encrypted and its keys, {FILE}, are missing: restore that file from a backup."
    )


def not_encrypted() -> UsageError:
    """Return the error about a workspace that has no keys, where some are needed."""
    return UsageError("The workspace is not encrypted: say by `casebind encrypt` where its key is to be.")


@contextmanager
def _closed_on_failure(path: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """Close the connection where what is done with it fails; an error of SQLite is one about the file."""
    try:
        yield
    except BaseException as problem:
        connection.close()
        if isinstance(problem, sqlite3.Error):
            raise _unreadable(path, problem) from problem
        raise


def _connected(path: Path) -> sqlite3.Connection:
    """Open the file, made where there is none. What is deleted from it is overwritten."""
    try:
        return open_own(path, STEPS, wait_s=WAIT_S, pragmas=("secure_delete = ON",))
    except sqlite3.Error as problem:
        raise _unreadable(path, problem) from problem


def _check_own(path: Path) -> None:
    """Raise WorkspaceError where others could have written which command is run."""
    state = path.stat()
    if state.st_mode & OTHERS or (hasattr(os, "getuid") and state.st_uid not in (os.getuid(), 0)):
        raise WorkspaceError(
            f"{path} names a command that is run, and others may write it: chmod 600 it, or set {VARIABLE}."
        )


def _unreadable(path: Path, problem: Exception) -> WorkspaceError:
    return WorkspaceError(
        f"The keys {path} cannot be read ({problem}): restore the file from a backup; the studies are whole."
    )


def _named(source: str, key: bytes) -> tuple[str, str, str]:
    return source, name_of(key), utc_now().isoformat(timespec="seconds")


def _about(key_id: bytes, owner: str) -> bytes:
    return key_id + owner.encode()
