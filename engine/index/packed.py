"""Columns of numbers that differ little from their neighbours, held by frame of reference in a byte or two each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = 32  # numbers that share one base
PIECE = 1 << 18  # numbers looked at together, a multiple of 64 and of the block
WIDTHS = (np.uint8, np.uint16, np.uint32, np.uint64)


@dataclass(frozen=True, eq=False)
class Packed:
    """Non-negative integers, (n,), each the sum of its block's least and an offset (Zukowski et al. 2006, section 4).

    bases   : (⌈n / 32⌉,) int64, the least of every block
    offsets : (n,) unsigned, as narrow as the widest block allows: 1 byte for most numbers that were counted up
    """

    bases: np.ndarray
    offsets: np.ndarray

    @property
    def size(self) -> int:
        """Return how many numbers there are."""
        return int(self.offsets.size)

    @property
    def nbytes(self) -> int:
        """Return the memory of the numbers."""
        return int(self.bases.nbytes + self.offsets.nbytes)

    def __getitem__(self, places: Any) -> np.ndarray:
        """Return the numbers at places, (m,) integers, or of a slice, as int64; fastest for a slice from a block on."""
        if isinstance(places, slice):
            first, end, step = places.indices(self.size)
            if step == 1 and first % BLOCK == 0:
                return _spread(self.bases[first // BLOCK :], self.offsets[first:end])
            places = np.arange(first, end, step)
        return self.bases[places // BLOCK] + self.offsets[places].astype(np.int64)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all numbers, int64 where nothing else is asked for."""
        return _spread(self.bases, self.offsets).astype(dtype or np.int64, copy=False)


def pieces(values: np.ndarray | Packed) -> Iterator[np.ndarray]:
    """Yield the numbers in order, so many at a time that each piece stays in the cache."""
    for first in range(0, values.size, PIECE):
        yield values[first : first + PIECE]


def packed(parts: Iterable[np.ndarray], n: int) -> Packed:
    """Return n non-negative integers that come in parts of any length, of which only one is held beside the result."""
    bases, offsets = np.empty(-(-n // BLOCK), np.int64), np.empty(n, WIDTHS[0])
    done, rest = 0, np.empty(0, np.int64)
    for part in parts:
        rest = np.concatenate([rest, np.asarray(part, np.int64)])
        if done + rest.size > n:
            break
        whole = rest.size // BLOCK * BLOCK if done + rest.size < n else rest.size
        offsets = _pack(rest[:whole], done, bases, offsets)
        done, rest = done + whole, rest[whole:]
    if done != n or rest.size:
        raise ValueError(f"{done + rest.size} numbers came where {n} were announced.")
    return Packed(bases, offsets)


def _pack(values: np.ndarray, first: int, bases: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Write numbers, (m,) int64, from place `first` on; return the offsets, made wider where they did not fit."""
    starts = np.arange(0, values.size, BLOCK)
    if starts.size == 0:
        return offsets
    least = np.minimum.reduceat(values, starts)
    bases[first // BLOCK : first // BLOCK + least.size] = least
    above = values - np.repeat(least, BLOCK)[: values.size]
    widest = int(above.max())
    width = next(one for one in WIDTHS if widest <= np.iinfo(one).max)
    if np.dtype(width).itemsize > offsets.itemsize:
        offsets = offsets.astype(width)
    offsets[first : first + values.size] = above
    return offsets


def _spread(bases: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the sums, (n,) int64, of offsets, (n,), and the bases of their blocks."""
    return np.repeat(bases[: -(-offsets.size // BLOCK)], BLOCK)[: offsets.size] + offsets.astype(np.int64)
