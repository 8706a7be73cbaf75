"""A SQLite file beside the record, for its owner alone: audit, people, keys. An act is on disk when it is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from engine.errors import WorkspaceError
from engine.files import create_private

ALWAYS = ("journal_mode = WAL", "synchronous = FULL")


def open_own(
    path: Path, steps: Sequence[Sequence[str]], *, wait_s: float, pragmas: Sequence[str] = ()
) -> sqlite3.Connection:
    """Open a file, made where there is none; may be used from several threads, and transactions are the caller's.

    steps   : the statements that lead from each version to the next; the first make the tables
    wait_s  : for another process that writes
    pragmas : further settings, as "name = value"
    Raises WorkspaceError where a newer version wrote the file, and errors of SQLite and of the system as they are.
    """
    create_private(path)
    connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    try:
        for pragma in (*ALWAYS, *pragmas):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN IMMEDIATE")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > len(steps):
            raise WorkspaceError(f"{path} was written by a newer version of Casebind: install that version.")
        for step in steps[found:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection
