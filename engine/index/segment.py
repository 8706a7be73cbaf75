"""The base of a snapshot: columns that never change, found by ordinal, searched whichever way was measured faster.

Where numba is missing and the codes are many, faiss searches them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.index.code_columns import Columns
from engine.index.flat import FlatIndexes
from engine.index.hamming import NearestPositions, kernel_missing, nearest
from engine.index.lookup import Bisection, OrdinalTable, lookup_of
from engine.index.multi_index import MultiIndex

MULTI_INDEX_MAX_K = 256  # neighbours from which on the scan's cost per neighbour wins
MULTI_SHARE = 16  # an index is tried where at least one code in so many may be returned


@dataclass(eq=False)
class Base:
    """Columns and, once it is built, their index; `budgets` has the work it may do for each code length it serves."""

    columns: Columns
    index: MultiIndex | None = None
    budgets: dict[int, float] = field(default_factory=dict)
    _lookup: OrdinalTable | Bisection | None = None
    _flat: FlatIndexes = field(init=False)  # empty until faiss searches

    def __post_init__(self) -> None:
        self._flat = FlatIndexes(self.columns.words)

    @property
    def n(self) -> int:
        """Return how many codes there are."""
        return self.columns.n

    @property
    def nbytes(self) -> int:
        """Return the memory of columns, look-up and indexes."""
        beside = (self._lookup, self.index, self._flat)
        return self.columns.nbytes + sum(part.nbytes for part in beside if part is not None)

    def nearest(
        self, query: np.ndarray, k: int, bits: int, allowed: np.ndarray, permitted: int, radius: int | None = None
    ) -> NearestPositions:
        """Return `hamming.nearest`; by the index where it is worth a try, then by the scan if that was too much work.

        permitted : how many bits of `allowed` are set
        """
        words, index, budget = self.columns.words, self.index, self.budgets.get(bits, 0.0)
        if index is not None and budget and k <= MULTI_INDEX_MAX_K and permitted * MULTI_SHARE >= self.n:
            found, _ = index.nearest(words, query, k, bits, allowed, radius, budget)
            if found is not None:
                return found
        mask = allowed if permitted < self.n else None
        if kernel_missing(self.n):
            return self._flat.nearest(query, k, bits, mask, radius)
        return nearest(words, query, k, bits, mask, radius)

    def positions_of(self, ordinals: np.ndarray) -> np.ndarray:
        """Return the positions, (≤m,) int64, of those studies, (m,) integers, that are here."""
        if self._lookup is None:
            self._lookup = lookup_of(self.columns.ordinals)
        return self._lookup.positions_of(ordinals)


@dataclass(eq=False)
class FlatBase(Base):
    """Columns that faiss searches, whatever there is beside it."""

    def nearest(
        self, query: np.ndarray, k: int, bits: int, allowed: np.ndarray, permitted: int, radius: int | None = None
    ) -> NearestPositions:
        """Return `hamming.nearest`."""
        return self._flat.nearest(query, k, bits, allowed if permitted < self.n else None, radius)
