"""The base of a snapshot: columns that never change, found by ordinal, searched whichever way was measured faster."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.index.columns import Columns
from engine.index.hamming import Found, nearest
from engine.index.multi_index import MultiIndex

MULTI_MOST_KEPT = 256  # neighbours from which on the scan's cost per neighbour wins
MULTI_SHARE = 16  # an index is tried where at least one code in so many may be returned
NOWHERE = np.uint32(0xFFFFFFFF)
SPARSE_TABLE = 8  # table entries per code from which on ordinals are looked up by bisection instead
DENSE_ANYWAY = 1_000_000  # table entries that are never too many


@dataclass(eq=False)
class Base:
    """Columns and, once it is built, their index; `budgets` has the work it may do for each code length it serves."""

    columns: Columns
    index: MultiIndex | None = None
    budgets: dict[int, float] = field(default_factory=dict)
    _lookup: tuple[int, np.ndarray] | None = None

    @property
    def n(self) -> int:
        """Return how many codes there are."""
        return self.columns.n

    @property
    def bytes_held(self) -> int:
        """Return the memory of columns, look-up and index."""
        lookup = 0 if self._lookup is None else int(self._lookup[1].nbytes)
        return self.columns.bytes_held + lookup + (self.index.bytes_held if self.index else 0)

    def nearest(
        self, query: np.ndarray, k: int, bits: int, allowed: np.ndarray, permitted: int, radius: int | None = None
    ) -> Found:
        """Return `hamming.nearest`; by the index where it is worth a try, then by the scan if that was too much work.

        permitted : how many bits of `allowed` are set
        """
        words, index, budget = self.columns.words, self.index, self.budgets.get(bits, 0.0)
        if index is not None and budget and k <= MULTI_MOST_KEPT and permitted * MULTI_SHARE >= self.n:
            found, _ = index.nearest(words, query, k, bits, allowed, radius, budget)
            if found is not None:
                return found
        return nearest(words, query, k, bits, allowed if permitted < self.n else None, radius)

    def places(self, ordinals: np.ndarray) -> np.ndarray:
        """Return the positions, (≤m,) int64, of those studies, (m,) integers, that are here."""
        held = self.columns.ordinals
        if held.size == 0 or ordinals.size == 0:
            return np.empty(0, np.int64)
        if self._lookup is None:
            self._lookup = lookup_of(held)
        least, table = self._lookup
        if table.dtype == np.uint32:
            near = np.asarray(ordinals, np.int64) - least
            found = table[near[(near >= 0) & (near < table.size)]]
            return found[found != NOWHERE].astype(np.int64)
        at = np.searchsorted(held, ordinals, sorter=table)
        at = table[np.minimum(at, held.size - 1)]
        return at[held[at] == ordinals].astype(np.int64)


def lookup_of(ordinals: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the least ordinal, and the positions by ordinal less that, uint32: 40 MB for 10 million dense ordinals.

    Where most of that table would be empty, it is the order that sorts the ordinals, (n,) int64.
    """
    least, most = int(ordinals.min()), int(ordinals.max())
    if most - least >= SPARSE_TABLE * ordinals.size + DENSE_ANYWAY:
        return least, np.argsort(ordinals)
    table = np.full(most - least + 1, NOWHERE, np.uint32)
    table[ordinals.astype(np.int64) - least] = np.arange(ordinals.size, dtype=np.uint32)
    return least, table
