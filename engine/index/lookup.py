"""From study ordinals to positions among some codes, and from numbers of patients to bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.index.hamming import to_bits

NOWHERE = np.uint32(0xFFFFFFFF)
SPARSE_TABLE = 8  # table entries per code from which on ordinals are looked up by bisection instead
DENSE_ANYWAY = 1_000_000  # table entries that are never too many
PIECE = 1 << 18  # values looked at together, a multiple of the 64 in a word of bits


@dataclass(frozen=True, eq=False)
class Lookup:
    """Positions by ordinal less the least one, uint32: 40 MB for 10 million dense ordinals, one access each.

    Where most of that table would be empty, it is the order that sorts the ordinals, (n,) int64.
    """

    ordinals: np.ndarray
    least: int
    table: np.ndarray

    def places(self, ordinals: np.ndarray) -> np.ndarray:
        """Return the positions, (≤m,) int64, of those of the ordinals, (m,) integers, that are here."""
        if self.ordinals.size == 0 or ordinals.size == 0:
            return np.empty(0, np.int64)
        if self.table.dtype == np.uint32:
            near = np.asarray(ordinals, np.int64) - self.least
            found = self.table[near[(near >= 0) & (near < self.table.size)]]
            return found[found != NOWHERE].astype(np.int64)
        at = np.searchsorted(self.ordinals, ordinals, sorter=self.table)
        at = self.table[np.minimum(at, self.ordinals.size - 1)]
        return at[self.ordinals[at] == ordinals]


def bits_among(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return which of (n,) non-negative integers are among the wanted ones, (m,), as (⌈n / 64⌉,) uint64 bits."""
    if values.size == 0 or wanted.size == 0:
        return to_bits(np.zeros(values.size, bool))
    most = int(wanted.max())
    if most >= SPARSE_TABLE * values.size + DENSE_ANYWAY:
        return to_bits(np.isin(values, wanted))
    table = np.zeros(most + 2, bool)  # the last entry stands for all that are larger
    table[wanted] = True
    pieces = (values[first : first + PIECE] for first in range(0, values.size, PIECE))
    return np.concatenate([to_bits(table[np.minimum(piece, most + 1)]) for piece in pieces])


def lookup_of(ordinals: np.ndarray) -> Lookup:
    """Return the look-up of different ordinals, (n,) integers."""
    if ordinals.size == 0:
        return Lookup(ordinals, 0, np.empty(0, np.int64))
    least, most = int(ordinals.min()), int(ordinals.max())
    if most - least >= SPARSE_TABLE * ordinals.size + DENSE_ANYWAY:
        return Lookup(ordinals, least, np.argsort(ordinals))
    table = np.full(most - least + 1, NOWHERE, np.uint32)
    table[ordinals - ordinals.dtype.type(least)] = np.arange(ordinals.size, dtype=np.uint32)
    return Lookup(ordinals, least, table)
