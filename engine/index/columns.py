"""The codes of one modality under one release as columns in memory, loaded from the workspace's tables."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from engine.index.lookup import lookup_of

WORDS = 4
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
    """Return the columns that the cursor's transaction sees, read one after the other, so that only one is held twice.

    Rows come in the order in which they are stored, which mostly is that of the ids; sorting is for when it is not.
    """
    which = [release, modality]
    ordinals = smallest(_column(cursor, "ordinal", which))
    words = np.empty((WORDS, ordinals.size), np.uint64)
    for word in range(WORDS):
        words[word] = _column(cursor, f"w{word}", which)
    patients = smallest(_column(cursor, "patient", which))
    (late,) = cursor.execute(UNORDERED, which).fetchone() or (0,)
    if not late:
        return Columns(words, ordinals, patients)
    return in_order(words, ordinals, patients, _column(cursor, "ordinal", which, "ORDER BY study_id"))


def in_order(words: np.ndarray, ordinals: np.ndarray, patients: np.ndarray, ordered: np.ndarray) -> Columns:
    """Return the columns in the order of `ordered`, (n,), which holds the same ordinals; `words` is written to."""
    places = lookup_of(ordinals).places(ordered)
    for word in range(words.shape[0]):
        words[word] = words[word][places]
    return Columns(words, ordinals[places], patients[places])


def smallest(values: np.ndarray) -> np.ndarray:
    """Return non-negative integers in 4 bytes each where they fit."""
    return values.astype(np.uint32) if values.size and values.max() < 2**32 else values


def _column(cursor: duckdb.DuckDBPyConnection, name: str, which: list[str], order: str = "") -> np.ndarray:
    found = cursor.execute(f"SELECT {name} {SOURCE} {order}", which).fetchnumpy()[name]
    return np.asarray(found)
