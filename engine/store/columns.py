"""The codes of one modality under one release as columns in memory, loaded from the workspace's tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np

from engine.errors import WorkspaceError
from engine.index.lookup import lookup_of
from engine.index.packed import Packed, packed, pieces

WORDS = 4
PIECE = 10 * 122_880  # rows read at once: ten of the groups in which DuckDB stores them
SOURCE = "FROM codes WHERE release = ? AND modality = ?"
# Whether a study id comes before the one stored ahead of it; DuckDB streams this without sorting.
UNORDERED = f"SELECT count(*) FROM (SELECT study_id < lag(study_id) OVER () AS late {SOURCE}) WHERE late"


@dataclass(frozen=True, eq=False)
class Columns:
    """Codes in the order of their study ids, so that the smaller position has the smaller id.

    words    : (4, n) uint64, C-contiguous
    ordinals : (n,) integers, the studies' numbers in the table
    patients : (n,) integers, equal for studies of one patient

    Both are packed where the codes are many, and arrays where they are few.
    """

    words: np.ndarray
    ordinals: np.ndarray | Packed
    patients: np.ndarray | Packed

    @property
    def n(self) -> int:
        """Return how many codes there are."""
        return int(self.ordinals.size)

    @property
    def bytes_held(self) -> int:
        """Return the memory of the columns."""
        return int(self.words.nbytes + self.ordinals.nbytes + self.patients.nbytes)


def load(cursor: duckdb.DuckDBPyConnection, release: str, modality: str) -> Columns:
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


def in_order(words: np.ndarray, ordinals: Packed, patients: Packed, ordered: np.ndarray) -> Columns:
    """Return the columns in the order of `ordered`, (n,), which holds the same ordinals; `words` is written to."""
    places = lookup_of(ordinals).places(ordered)
    for word in range(words.shape[0]):
        words[word] = words[word][places]
    moved = (packed((column[part] for part in pieces(places)), places.size) for column in (ordinals, patients))
    return Columns(words, *moved)


def smallest(values: np.ndarray) -> np.ndarray:
    """Return non-negative integers in 4 bytes each where they fit."""
    return values.astype(np.uint32) if values.size and values.max() < 2**32 else values


def _read(cursor: duckdb.DuckDBPyConnection, name: str, which: list[str], rows: int, n: int) -> Iterator[np.ndarray]:
    """Yield one column's n values, of the table's first `rows` rows; row numbers hold through a transaction."""
    sql, read = f"SELECT {name} {SOURCE} AND rowid >= ? AND rowid < ?", 0
    for first in range(0, rows, PIECE):
        piece = cursor.execute(sql, [*which, first, first + PIECE]).fetchnumpy()[name]
        read += piece.size
        yield np.asarray(piece)
    if read != n:
        raise WorkspaceError("The codes changed while they were being loaded: open the workspace again.")
