"""The codes of one modality under one release as columns in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.index.lookup import lookup_of
from engine.index.packed import Packed, packed, pieces


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
    def nbytes(self) -> int:
        """Return the memory of the columns."""
        return int(self.words.nbytes + self.ordinals.nbytes + self.patients.nbytes)


def in_order(words: np.ndarray, ordinals: Packed, patients: Packed, ordered: np.ndarray) -> Columns:
    """Return the columns in the order of `ordered`, (n,), which holds the same ordinals; `words` is written to."""
    places = lookup_of(ordinals).positions_of(ordered)
    for word in range(words.shape[0]):
        words[word] = words[word][places]
    moved = (packed((column[part] for part in pieces(places)), places.size) for column in (ordinals, patients))
    return Columns(words, *moved)


def downcast(values: np.ndarray) -> np.ndarray:
    """Return non-negative integers in 4 bytes each where they fit."""
    return values.astype(np.uint32) if values.size and values.max() < 2**32 else values
