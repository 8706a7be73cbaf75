"""A DuckDB file written anew from its live rows: DuckDB leaves what was deleted in the blocks of a file for good."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import duckdb

from engine.errors import WorkspaceError
from engine.files import sync
from engine.store.journal import log_of

SUFFIX = ".rewritten"
SPARE = 1.1  # room that is asked for, as a multiple of the file


def copy_live_rows(cursor: duckdb.DuckDBPyConnection, path: Path, target: Path | None = None) -> Path:
    """Copy tables, views, keys and sequences of the open database at `path` into a new file; return it, on disk.

    target : of the copy; None for one beside the database, in the place of what a stopped copy has left

    The copy is of one moment: what others commit meanwhile is not in it.
    Raises WorkspaceError where the disk has no room, or the copy does not have every row.
    """
    new = target or path.with_name(path.name + SUFFIX)
    if target is None:
        forget_copy(path)
    _check_room(path, new.parent)
    ((name,),) = cursor.execute("SELECT current_database()").fetchall()
    alias = f"copy_{secrets.token_hex(4)}"  # all cursors of a process share these names, and two may copy at once
    cursor.execute(f"ATTACH '{str(new).replace(chr(39), chr(39) * 2)}' AS {alias}")
    try:
        _copy(cursor, name, alias)
        cursor.execute(f"CHECKPOINT {alias}")
    finally:
        cursor.execute(f"DETACH {alias}")
    sync(new)
    return new


def _copy(cursor: duckdb.DuckDBPyConnection, name: str, alias: str) -> None:
    """Copy every row into the attached file, in one transaction in which both are counted."""
    cursor.execute("BEGIN TRANSACTION")
    try:
        cursor.execute(f'COPY FROM DATABASE "{name}" TO {alias}')
        if _rows(cursor, name) != _rows(cursor, alias):
            raise WorkspaceError("The workspace could not be written anew, its copy lacks rows: nothing was changed.")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")


def forget_copy(path: Path) -> None:
    """Delete what a copy that was stopped has left beside the database at `path`."""
    new = path.with_name(path.name + SUFFIX)
    new.unlink(missing_ok=True)
    log_of(new).unlink(missing_ok=True)


def _check_room(path: Path, folder: Path) -> None:
    wanted, free = int(path.stat().st_size * SPARE), shutil.disk_usage(folder).free
    if free < wanted:
        raise WorkspaceError(
            f"The workspace cannot be written anew: its disk has {free // 2**20:,} MiB free and needs "
            f"{wanted // 2**20:,}, so free some and do the same again."
        )


def _rows(cursor: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    """Return table → number of rows of an attached database."""
    found = cursor.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND NOT temporary ORDER BY 1", [database]
    ).fetchall()
    counted = (cursor.execute(f'SELECT count(*) FROM "{database}"."{table}"').fetchone() for (table,) in found)
    return {table: int(row[0]) for (table,), row in zip(found, counted, strict=True) if row is not None}
