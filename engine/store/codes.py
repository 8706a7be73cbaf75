"""The codes of one modality under one release as columns in memory, loaded from the workspace's tables."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np

from engine.errors import WorkspaceError
from engine.index.code_columns import Columns, in_order
from engine.index.packed import packed

WORDS = 4
PIECE = 10 * 122_880  # rows read at once: ten of the groups in which DuckDB stores them
SOURCE = "FROM codes WHERE release = ? AND modality = ?"
# Whether a study id comes before the one stored ahead of it; DuckDB streams this without sorting.
UNORDERED = f"SELECT count(*) FROM (SELECT study_id < lag(study_id) OVER () AS late {SOURCE}) WHERE late"


def load_columns(cursor: duckdb.DuckDBPyConnection, release: str, modality: str) -> Columns:
    """Return the columns that the cursor's transaction sees, read piece by piece, so that only a piece is held twice.

    Rows come in the order in which they are stored, which mostly is that of the ids; sorting is for when it is not.
    """
    which = [release, modality]
    sizes = f"SELECT count(*), coalesce(max(rowid) + 1, 0) {SOURCE}"
    n, rows = cursor.execute(sizes, which).fetchone() or (0, 0)
    words = np.empty((WORDS, n), np.uint64)
    for word in range(WORDS):
        read = 0
        for piece in _read(cursor, f"w{word}", which, rows, n):
            words[word, read : read + piece.size] = piece
            read += piece.size
    ordinals, patients = (packed(_read(cursor, name, which, rows, n), n) for name in ("ordinal", "patient"))
    (late,) = cursor.execute(UNORDERED, which).fetchone() or (0,)
    if not late:
        return Columns(words, ordinals, patients)
    ordered = cursor.execute(f"SELECT ordinal {SOURCE} ORDER BY study_id", which).fetchnumpy()["ordinal"]
    return in_order(words, ordinals, patients, np.asarray(ordered))


def _read(cursor: duckdb.DuckDBPyConnection, name: str, which: list[str], rows: int, n: int) -> Iterator[np.ndarray]:
    """Yield one column's n values, of the table's first `rows` rows; row numbers hold through a transaction."""
    sql, read = f"SELECT {name} {SOURCE} AND rowid >= ? AND rowid < ?", 0
    for first in range(0, rows, PIECE):
        piece = cursor.execute(sql, [*which, first, first + PIECE]).fetchnumpy()[name]
        read += piece.size
        yield np.asarray(piece)
    if read != n:
        raise WorkspaceError("The codes changed while they were being loaded: open the workspace again.")
