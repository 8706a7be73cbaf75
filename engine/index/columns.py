"""The codes of one modality under one release as columns in memory, loaded from the workspace's tables."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from engine.errors import WorkspaceError
from engine.index.lookup import lookup_of

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
    """

    words: np.ndarray
    ordinals: np.ndarray
    patients: np.ndarray

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
    sizes = f"SELECT count(*), coalesce(max(rowid) + 1, 0), max(ordinal), max(patient) {SOURCE}"
    n, rows, last_ordinal, last_patient = cursor.execute(sizes, which).fetchone() or (0, 0, None, None)
    words = np.empty((WORDS, n), np.uint64)
    for word in range(WORDS):
        _read(cursor, f"w{word}", which, rows, words[word])
    ordinals, patients = np.empty(n, narrowest(last_ordinal)), np.empty(n, narrowest(last_patient))
    _read(cursor, "ordinal", which, rows, ordinals)
    _read(cursor, "patient", which, rows, patients)
    (late,) = cursor.execute(UNORDERED, which).fetchone() or (0,)
    if not late:
        return Columns(words, ordinals, patients)
    ordered = cursor.execute(f"SELECT ordinal {SOURCE} ORDER BY study_id", which).fetchnumpy()["ordinal"]
    return in_order(words, ordinals, patients, np.asarray(ordered))


def in_order(words: np.ndarray, ordinals: np.ndarray, patients: np.ndarray, ordered: np.ndarray) -> Columns:
    """Return the columns in the order of `ordered`, (n,), which holds the same ordinals; `words` is written to."""
    places = lookup_of(ordinals).places(ordered)
    for word in range(words.shape[0]):
        words[word] = words[word][places]
    return Columns(words, ordinals[places], patients[places])


def smallest(values: np.ndarray) -> np.ndarray:
    """Return non-negative integers in 4 bytes each where they fit."""
    return values.astype(narrowest(values.max())) if values.size else values


def narrowest(most: int | None) -> type[np.integer]:
    """Return the type of non-negative integers up to `most`, of 4 bytes where they fit; None where there are none."""
    return np.uint32 if most is not None and most < 2**32 else np.int64


def _read(cursor: duckdb.DuckDBPyConnection, name: str, which: list[str], rows: int, out: np.ndarray) -> None:
    """Write one column, of the table's first `rows` rows, to `out`, (n,); row numbers hold through a transaction."""
    sql, read = f"SELECT {name} {SOURCE} AND rowid >= ? AND rowid < ?", 0
    for first in range(0, rows, PIECE):
        piece = cursor.execute(sql, [*which, first, first + PIECE]).fetchnumpy()[name]
        out[read : read + piece.size] = piece
        read += piece.size
    if read != out.size:
        raise WorkspaceError("The codes changed while they were being loaded: open the workspace again.")
