"""A second database with the rows of a first one, whole or as if some patients had never been in it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from engine.errors import WorkspaceError
from engine.store import places
from engine.store.database import FILE_NAME, Database
from engine.store.journal import open_journal
from engine.store.opening import connect
from engine.store.places import Targets
from engine.store.recovery import last_number
from engine.store.rewrite import copy_live_rows

RENUMBERED = ("studies", "codes", "small_embeddings")  # tables in which ordinals of studies stand


class Named(NamedTuple):
    """What a closed database names: its schema's version, the content files of its studies and of its queries."""

    schema: int
    studies: tuple[str, ...]
    queries: tuple[str, ...]


def copy_whole(database: Database, file: Path) -> None:
    """Copy the database as it is at one moment into a new file, on disk when this returns; writers go on."""
    with database.snapshot() as cursor:
        cursor.execute("ROLLBACK")
        copy_live_rows(cursor, database.path, file)


def named_in(file: Path) -> Named:
    """Return what a closed database file names."""
    connection = connect(file, read_only=True)
    try:
        ((schema,),) = connection.execute("SELECT max(version) FROM schema_version").fetchall()
        studies, queries = (
            tuple(name for (name,) in connection.execute(f"SELECT file FROM {table} ORDER BY file").fetchall() if name)
            for table in ("studies", "queries")
        )
    finally:
        connection.close()
    return Named(int(schema), studies, queries)


def begin_journal(file: Path) -> None:
    """Give a closed copy of a database its journal; without one its opening says that changes may be lost."""
    journal = open_journal(file)
    if journal is None:
        raise WorkspaceError(f"The database {file} is open in this process: close it first.")
    try:
        connection = connect(file, read_only=True)
        try:
            journal.cut(last_number(connection))
        finally:
            connection.close()
    finally:
        journal.close()


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite file as it is at one moment, beside processes that write; the copy stands by itself, without a log.

    Raises WorkspaceError where it cannot be read or written.
    """
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as from_,
            closing(sqlite3.connect(target)) as to,
        ):
            from_.backup(to)
            to.execute("PRAGMA journal_mode = DELETE")
    except (sqlite3.Error, OSError) as problem:
        raise WorkspaceError(f"{source.name} could not be copied ({problem}): check its disk.") from problem


def fill_without(database: Database, folder: Path, never: Targets) -> None:
    """Fill the new, closed database of a folder with every row that is not of these patients, in another order.

    Studies get other ordinals, so that nothing which follows from the order of their coming is alike.
    """
    with database.snapshot() as cursor:
        cursor.execute("ROLLBACK")
        cursor.execute(f"ATTACH '{str(folder / FILE_NAME).replace(chr(39), chr(39) * 2)}' AS second")
        try:
            for place in (*places.PLACES, *(places.Place(name) for name in places.NOTHING_OF_PATIENTS)):
                cursor.execute(f"DELETE FROM second.{place.table}")
                kept = f"WHERE NOT coalesce({place.rows}, false)" if place.rows else ""
                sql = f"INSERT INTO second.{place.table} BY NAME SELECT * FROM {place.table} t {kept} ORDER BY hash(t)"
                cursor.execute(sql, places.named(sql, never.as_json()))
            cursor.execute(
                "CREATE TABLE second.renumbered AS SELECT ordinal AS before,"
                " row_number() OVER (ORDER BY hash(study_id)) AS after FROM second.studies"
            )
            for table in RENUMBERED:
                cursor.execute(
                    f"UPDATE second.{table} SET ordinal = r.after FROM second.renumbered r WHERE ordinal = r.before"
                )
            cursor.execute("DROP TABLE second.renumbered")
        finally:
            cursor.execute("DETACH second")
