"""Opening the DuckDB file of a workspace: what stands in the way is one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from engine.errors import WorkspaceBusyError, WorkspaceError

VERSIONS = "schema_version"
_MAGIC, _MAGIC_AT = b"DUCK", 8  # after the checksum of the first header
HEADER_BYTES = 3 * 4096  # before the first block of a DuckDB file


def connect(path: Path, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a file, made where there is none; WorkspaceError where another process has it or it is no DuckDB file."""
    _check_kind(path)
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        message = str(error)
        if "lock" in message.lower():
            found = re.search(r"PID (\d+)", message)
            process = f" (process {found.group(1)})" if found else ""
            raise WorkspaceBusyError(
                f"The workspace {path.parent} is in use by another process{process}, most likely the running app: "
                "close it, or pass --workspace with another folder."
            ) from error
        raise WorkspaceError(
            f"The workspace {path.parent} cannot be opened ({first_line(error)}): check who may read its file "
            f"{path.name}, restore it from a copy, or pass --workspace with another folder."
        ) from error
    except duckdb.Error as error:
        raise WorkspaceError(
            f"The workspace {path.parent} cannot be opened, its file {path.name} is damaged or not a DuckDB file "
            f"({first_line(error)}): restore it from a copy, or pass --workspace with another folder."
        ) from error


def _check_kind(path: Path) -> None:
    """Raise WorkspaceError for a file of another kind: DuckDB would look for an extension that reads it, online too."""
    try:
        with path.open("rb") as file:
            head = file.read(_MAGIC_AT + len(_MAGIC))
    except OSError:  # there is none yet, or DuckDB says who may read it
        return
    if head[_MAGIC_AT:] != _MAGIC:
        raise WorkspaceError(
            f"The workspace {path.parent} cannot be opened, its file {path.name} is damaged or not a DuckDB file: "
            "restore it from a copy, or pass --workspace with another folder."
        )


def check_tables(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise WorkspaceError where the file holds tables, but not those of a workspace: it belongs to something else."""
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if tables - {VERSIONS} and not {VERSIONS, "studies"} <= tables:
        raise WorkspaceError(
            f"The workspace {path.parent} cannot be opened, its file {path.name} has not the tables of a workspace, so "
            "it belongs to another program or is damaged: restore it from a copy, or pass --workspace with another "
            "folder."
        )


def check_length(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise WorkspaceError where the file is shorter than the blocks that it uses: what was cut off is lost."""
    ((block_size, blocks),) = connection.execute(
        "SELECT block_size, used_blocks FROM pragma_database_size() WHERE database_name = current_database()"
    ).fetchall()
    size, expected = path.stat().st_size, HEADER_BYTES + block_size * blocks
    if size < expected:
        raise WorkspaceError(
            f"The workspace {path.parent} cannot be opened, its file {path.name} was cut off (it has "
            f"{size:,} of {expected:,} bytes): restore it from a copy, or pass --workspace with another folder."
        )


def first_line(error: BaseException) -> str:
    """Return the first line of what DuckDB says, short enough for a sentence."""
    return str(error).strip().splitlines()[0].rstrip(".")[:200]
