"""Many rows put into a table by a few statements, in their order; one statement a row would hold the lock for long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

AT_ONCE = 1000  # rows in one statement


def insert(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    types: Mapping[str, str],
    rows: Sequence[Sequence[Any]],
    computed: Mapping[str, str] | None = None,
    *,
    leave_those_there: bool = False,
) -> None:
    """Append rows inside a transaction.

    types    : column → SQL type, in the order of each row's values
    computed : column → SQL expression, worked out once a row, in the rows' order
    leave_those_there : whether a row whose key is in the table already stays as it is
    """
    end = " ON CONFLICT DO NOTHING" if leave_those_there else ""
    names = ", ".join((*(computed or {}), *types))
    values = ", ".join((*(computed or {}).values(), *types))
    lists = ", ".join(f"unnest(?::{kind}[]) AS {name}" for name, kind in types.items())
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM"
            f" (SELECT * FROM (SELECT unnest(?::INTEGER[]) AS place, {lists}) ORDER BY place){end}",
            [list(range(len(some))), *([row[at] for row in some] for at in range(len(types)))],
        )
