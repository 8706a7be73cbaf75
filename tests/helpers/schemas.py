"""A workspace's file taken back to an earlier schema."""

from __future__ import annotations

import re

import duckdb

from engine.store.database import migrations


def drop_made_since(file: duckdb.DuckDBPyConnection, first: int) -> None:
    """Drop every table, sequence and column that the schema's versions from `first` on create, the newest first."""
    for sql in reversed([sql for version, sql in migrations() if version >= first]):
        for table, column in re.findall(r"^ALTER TABLE (\w+) ADD COLUMN (\w+)", sql, re.MULTILINE):
            file.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for kind, name in re.findall(r"^CREATE (TABLE|SEQUENCE) (\w+)", sql, re.MULTILINE):
            file.execute(f"DROP {kind} {name}")
