"""From study ordinals to positions among some codes, and from numbers of patients to bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.index.hamming import to_bits
from engine.index.packed import Packed, packed, pieces

NOWHERE = np.uint32(0xFFFFFFFF)
SPARSE_TABLE = 8  # table entries per code from which on ordinals are looked up by bisection instead
DENSE_ANYWAY = 1_000_000  # table entries that are never too many


@dataclass(frozen=True, eq=False)
class OrdinalTable:
    """Positions by ordinal less the least one; an entry for no ordinal repeats another's, so every hit is checked."""

    ordinals: np.ndarray | Packed
    least: int
    entries: Packed

    @property
    def nbytes(self) -> int:
        """Return the memory of the table."""
        return self.entries.nbytes

    def positions_of(self, ordinals: np.ndarray) -> np.ndarray:
        """Return the positions, (≤m,) int64, of those of the ordinals, (m,) integers, that are here."""
        near = np.asarray(ordinals, np.int64) - self.least
        near = near[(near >= 0) & (near < self.entries.size)]
        found = self.entries[near]
        return found[self.ordinals[found] == near + self.least]


@dataclass(frozen=True, eq=False)
class Bisection:
    """Ordinals in ascending order and their positions, (n,) int64: for so few that most of a table would be empty."""

    ascending: np.ndarray
    positions: np.ndarray

    @property
    def nbytes(self) -> int:
        """Return the memory of the look-up."""
        return int(self.ascending.nbytes + self.positions.nbytes)

    def positions_of(self, ordinals: np.ndarray) -> np.ndarray:
        """Return the positions, (≤m,) int64, of those of the ordinals, (m,) integers, that are here."""
        if self.ascending.size == 0:
            return np.empty(0, np.int64)
        at = np.minimum(np.searchsorted(self.ascending, ordinals), self.ascending.size - 1)
        return self.positions[at[self.ascending[at] == ordinals]]


def lookup_of(ordinals: np.ndarray | Packed) -> OrdinalTable | Bisection:
    """Return the look-up of different ordinals, (n,) integers."""
    least = min((int(piece.min()) for piece in pieces(ordinals)), default=0)
    most = max((int(piece.max()) for piece in pieces(ordinals)), default=0)
    if ordinals.size == 0 or most - least >= SPARSE_TABLE * ordinals.size + DENSE_ANYWAY:
        plain = np.asarray(ordinals, np.int64)
        order = np.argsort(plain)
        return Bisection(plain[order], order)
    entries = np.full(most - least + 1, NOWHERE, np.uint32)
    first = 0
    for piece in pieces(ordinals):
        entries[piece - least] = np.arange(first, first + piece.size, dtype=np.uint32)
        first += piece.size
    return OrdinalTable(ordinals, least, packed(_filled(entries), entries.size))


def bits_among(values: np.ndarray | Packed, wanted: np.ndarray) -> np.ndarray:
    """Return which of (n,) non-negative integers are among the wanted ones, (m,), as (⌈n / 64⌉,) uint64 bits."""
    if values.size == 0 or wanted.size == 0:
        return to_bits(np.zeros(values.size, bool))
    most = int(wanted.max())
    if most >= SPARSE_TABLE * values.size + DENSE_ANYWAY:
        return np.concatenate([to_bits(np.isin(piece, wanted)) for piece in pieces(values)])
    table = np.zeros(most + 2, bool)  # the last entry stands for all that are larger
    table[wanted] = True
    return np.concatenate([to_bits(table[np.minimum(piece, most + 1)]) for piece in pieces(values)])


def _filled(entries: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the entries, uint32, in which every one that is NOWHERE repeats the one before it."""
    last = 0
    for piece in pieces(entries):
        known = np.where(piece != NOWHERE, np.arange(piece.size), -1)
        from_here = np.maximum.accumulate(known)
        yield np.where(from_here >= 0, piece[from_here], last)
        last = int(piece[from_here[-1]]) if from_here[-1] >= 0 else last
