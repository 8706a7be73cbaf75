"""A workspace's file taken back to an earlier schema."""

from __future__ import annotations

import re

import duckdb

from engine.store.database import migrations

TABLE = r"^(CREATE TABLE (\w+).*?\);)"


def drop_made_since(file: duckdb.DuckDBPyConnection, first: int) -> None:
    """Undo what the schema's versions from `first` on create and drop, the newest first; a dropped table is empty."""
    made = {name: sql for _, one in migrations() for sql, name in re.findall(TABLE, one, re.MULTILINE | re.DOTALL)}
    for sql in reversed([sql for version, sql in migrations() if version >= first]):
        for table, column in re.findall(r"^ALTER TABLE (\w+) ADD COLUMN (\w+)", sql, re.MULTILINE):
            file.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for kind, name in re.findall(r"^CREATE (TABLE|SEQUENCE) (\w+)", sql, re.MULTILINE):
            file.execute(f"DROP {kind} {name}")
        for name in re.findall(r"^DROP TABLE (\w+)", sql, re.MULTILINE):
            file.execute(made[name])
