"""Columns of numbers that differ little from their neighbours, held by frame of reference in one to four bytes each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK = 32  # numbers that share one base
PIECE = 1 << 18  # numbers looked at together, a multiple of 64 and of the block
# how an offset may be held, narrowest first: one array, or two that hold its low and its high bits
WIDTHS = ((np.uint8,), (np.uint16,), (np.uint16, np.uint8), (np.uint32,), (np.uint64,))


@dataclass(frozen=True, eq=False)
class Packed:
    """Non-negative integers, (n,), each the sum of its block's least and an offset (Zukowski et al. 2006, section 4).

    bases   : (⌈n / 32⌉,) int64, the least of every block
    offsets : one or two (n,) unsigned, low bits first, as narrow as the widest block allows: 1 byte together for most
              numbers that were counted up, 3 for those of up to 16 million patients in any order
    """

    bases: np.ndarray
    offsets: tuple[np.ndarray, ...]

    @property
    def size(self) -> int:
        """Return how many numbers there are."""
        return int(self.offsets[0].size)

    @property
    def nbytes(self) -> int:
        """Return the memory of the numbers."""
        return int(self.bases.nbytes + sum(part.nbytes for part in self.offsets))

    def __getitem__(self, positions: Any) -> np.ndarray:
        """Return the numbers at places, (m,) integers, or of a slice, as int64; fastest for a slice from a block on."""
        if isinstance(positions, slice):
            first, end, step = positions.indices(self.size)
            if step == 1 and first % BLOCK == 0:
                return _spread(self.bases[first // BLOCK :], _joined(self.offsets, slice(first, end)))
            positions = np.arange(first, end, step)
        return self.bases[positions // BLOCK] + _joined(self.offsets, positions)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all numbers, int64 where nothing else is asked for."""
        return _spread(self.bases, _joined(self.offsets, slice(None))).astype(dtype or np.int64, copy=False)


def pieces(values: np.ndarray | Packed) -> Iterator[np.ndarray]:
    """Yield the numbers in order, so many at a time that each piece stays in the cache."""
    for first in range(0, values.size, PIECE):
        yield values[first : first + PIECE]


def packed(parts: Iterable[np.ndarray], n: int) -> Packed:
    """Return n non-negative integers that come in parts of any length, of which only one is held beside the result."""
    bases, offsets = np.empty(-(-n // BLOCK), np.int64), _room(WIDTHS[0], n)
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


def _pack(values: np.ndarray, first: int, bases: np.ndarray, offsets: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Write numbers, (m,) int64, from place `first` on; return the offsets, made wider where they did not fit."""
    starts = np.arange(0, values.size, BLOCK)
    if starts.size == 0:
        return offsets
    least = np.minimum.reduceat(values, starts)
    bases[first // BLOCK : first // BLOCK + least.size] = least
    above = values - np.repeat(least, BLOCK)[: values.size]
    width = next(one for one in WIDTHS if int(above.max()) < 256 ** _bytes(one))
    if _bytes(width) > sum(part.itemsize for part in offsets):
        wider = _room(width, offsets[0].size)
        for begin in range(0, first, PIECE):  # piece by piece, so that nothing is held in 8 bytes each
            written = slice(begin, min(begin + PIECE, first))
            _write(wider, written, _joined(offsets, written))
        offsets = wider
    _write(offsets, slice(first, first + values.size), above)
    return offsets


def _bytes(width: tuple[type, ...]) -> int:
    return sum(np.dtype(part).itemsize for part in width)


def _room(width: tuple[type, ...], n: int) -> tuple[np.ndarray, ...]:
    return tuple(np.empty(n, part) for part in width)


def _write(offsets: tuple[np.ndarray, ...], span: slice, values: np.ndarray) -> None:
    """Write values, (m,) int64, low bits first, each array taking as many bits as it holds."""
    for part in offsets:
        part[span] = values.astype(part.dtype)  # keeps the low bits
        values = values >> (8 * part.itemsize) if part.itemsize < 8 else values


def _joined(offsets: tuple[np.ndarray, ...], positions: np.ndarray | slice) -> np.ndarray:
    """Return the offsets at places as int64."""
    found = offsets[0][positions].astype(np.int64)
    for part in offsets[1:]:
        found |= part[positions].astype(np.int64) << (8 * offsets[0].itemsize)
    return found


def _spread(bases: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the sums, (n,) int64, of offsets, (n,) int64, and the bases of their blocks."""
    return np.repeat(bases[: -(-offsets.size // BLOCK)], BLOCK)[: offsets.size] + offsets
