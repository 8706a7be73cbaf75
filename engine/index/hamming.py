"""Exact Hamming search over codes held in memory: the compiled scan where it pays, numpy where it does not.

Codes are (words, n) uint64, one row per 64 bits, so that shorter nested codes read less memory. Columns are in the
order of the study ids, hence the smallest position is the smallest id and ties need no further rule. What may be
returned is one bit per column, (⌈n / 64⌉,) uint64, lowest bit first; None permits all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

WORD_BITS = 64
# Below this many codes numpy's bitwise_count answers faster than numba's compiled kernel can even be loaded
# (0.6 s for the import against 1 ms for 200,000 codes of 256 bits), so one-off commands never pay for it.
COMPILED_FROM = 200_000
MAX_HEAP_K = 4096  # neighbours up to which a heap beats sorting all distances
FOUR = 4  # queries of a batch that the compiled scan compares with a column at once
EXCLUDED_DISTANCE = np.uint16(0xFFFF)  # further than any code can be
NO_MASK = np.zeros(0, np.uint64)  # the mask that permits every column, as the compiled scan takes it
NO_KEY = np.uint64(0xFFFFFFFFFFFFFFFF)  # behind every neighbour
NearestPositions = tuple[np.ndarray, np.ndarray]  # positions and distances, (≤k,) int64 each, nearest first


@dataclass(frozen=True, eq=False)
class CodeArray:
    """The codes of one modality under one release, ordered by study id.

    ids      : (n,) object, study ids, ascending
    ordinals : (n,) int64, the studies' numbers in the table
    groups   : (n,) int64, equal for studies of one patient
    words    : (4, n) uint64, C-contiguous
    """

    ids: np.ndarray
    ordinals: np.ndarray
    groups: np.ndarray
    words: np.ndarray

    def mask(self, denied: np.ndarray) -> np.ndarray:
        """Return (n,) bool, False where the study's ordinal is in `denied`, (m,) int64."""
        return np.isin(self.ordinals, denied, invert=True)


def one_per_group(search: Callable[[int], NearestPositions], k: int, groups: np.ndarray) -> NearestPositions:
    """Return the k nearest of different groups; `search` returns as many as it is asked for, or all there are."""
    wanted = 4 * k
    while True:
        places, distances = search(wanted)
        keep = np.sort(np.unique(groups[places], return_index=True)[1])[:k]
        if keep.size == k or places.size < wanted:
            return places[keep], distances[keep]
        wanted *= 4


def nearest(
    codes: np.ndarray,
    query: np.ndarray,
    k: int,
    bits: int,
    allowed: np.ndarray | None = None,
    radius: int | None = None,
) -> NearestPositions:
    """Return the k nearest permitted codes, only those within `radius` bits where one is given.

    codes   : (words, n) uint64
    query   : (words,) uint64
    allowed : (⌈n / 64⌉,) uint64, no bit past the last column

    Exact; equal distances come in the order of position.
    """
    words, n = bits // WORD_BITS, codes.shape[1]
    k, reach = min(k, n), bits if radius is None else min(radius, bits)
    kernels = compiled(n) if k <= MAX_HEAP_K else None
    if k <= 0 or reach < 0:
        return split_keys(NO_MASK)
    if kernels is None:
        return _sorted_out(all_distances(codes, query, bits), k, allowed, reach)
    keys = np.empty(k, np.uint64)
    prefix, wanted = np.ascontiguousarray(codes[:words]), np.array(query[:words])
    held = kernels.scan_one(prefix, wanted, NO_MASK if allowed is None else allowed, reach, keys)
    return split_keys(np.sort(keys[:held]))


def nearest_of_many(
    codes: np.ndarray,
    queries: np.ndarray,
    k: int,
    bits: int,
    allowed: np.ndarray | None = None,
    radius: int | None = None,
) -> list[NearestPositions]:
    """Return `nearest` for every query of a batch, (q, words) uint64, reading the codes from memory once."""
    words, n = bits // WORD_BITS, codes.shape[1]
    k, reach = min(k, n), bits if radius is None else min(radius, bits)
    kernels = compiled(n) if k <= MAX_HEAP_K else None
    if kernels is None or k <= 0 or reach < 0 or len(queries) == 0:
        return [nearest(codes, query, k, bits, allowed, radius) for query in queries]
    padding = ((0, -len(queries) % FOUR), (0, 0))
    wanted = np.pad(np.asarray(queries)[:, :words], padding, mode="edge")
    keys, held = np.full((len(wanted), k), NO_KEY, np.uint64), np.zeros(len(wanted), np.int64)
    prefix, mask = np.ascontiguousarray(codes[:words]), NO_MASK if allowed is None else allowed
    kernels.scan_many(prefix, np.ascontiguousarray(wanted), mask, reach, keys, held)
    places, distances = split_keys(np.sort(keys, axis=1))
    return [(places[i, : held[i]], distances[i, : held[i]]) for i in range(len(queries))]


def all_distances(codes: np.ndarray, query: np.ndarray, bits: int) -> np.ndarray:
    """Return the (n,) uint16 Hamming distances over the first `bits` bits."""
    words = bits // WORD_BITS
    kernels = compiled(codes.shape[1])
    if kernels is not None:
        found: np.ndarray = kernels.distances(np.ascontiguousarray(codes[:words]), np.array(query[:words]))
        return found
    total = np.zeros(codes.shape[1], dtype=np.uint16)
    for word in range(words):
        total += np.bitwise_count(codes[word] ^ query[word])
    return total


def compiled(n: int) -> ModuleType | None:
    """Return the compiled kernels where they pay for n codes; None where numpy is as good, or numba is missing."""
    if n >= COMPILED_FROM or "engine.index.scan" in sys.modules:
        return _kernels()
    return None


def kernel_missing(n: int) -> bool:
    """Say whether the compiled kernels would pay for n codes but numba is missing."""
    return n >= COMPILED_FROM and _kernels() is None


def compiled_kernel() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the compiled distances, (words, n) and (words,) uint64 → (n,) uint16; ImportError without numba."""
    from engine.index.scan import distances

    kernel: Callable[[np.ndarray, np.ndarray], np.ndarray] = distances
    return kernel


def words_of(packed: np.ndarray) -> np.ndarray:
    """Return (n, 4) uint64 words of (n, 32) uint8 packed little-endian codes."""
    return np.ascontiguousarray(packed, dtype=np.uint8).view("<u8")


def to_bits(mask: np.ndarray) -> np.ndarray:
    """Return (⌈n / 64⌉,) uint64, lowest bit first, of an (n,) bool mask; bits past the end are 0."""
    packed = np.zeros(-(-mask.size // WORD_BITS) * 8, np.uint8)
    packed[: -(-mask.size // 8)] = np.packbits(mask, bitorder="little")
    return packed.view("<u8")


def from_bits(allowed: np.ndarray, n: int) -> np.ndarray:
    """Return the (n,) bool mask of its bits."""
    return np.unpackbits(allowed.view(np.uint8), count=n, bitorder="little").view(bool)


@cache
def _kernels() -> ModuleType | None:
    try:
        from engine.index import scan
    except ImportError:
        return None
    return scan


def split_keys(keys: np.ndarray) -> NearestPositions:
    """Return the positions and distances of ascending keys, distance << 48 | position."""
    return (keys & np.uint64((1 << 48) - 1)).astype(np.int64), (keys >> np.uint64(48)).astype(np.int64)


def _sorted_out(distances: np.ndarray, k: int, allowed: np.ndarray | None, radius: int) -> NearestPositions:
    """Return the k smallest permitted (distance, position) within the radius; `distances` is written to."""
    if allowed is not None:
        distances[~from_bits(allowed, distances.size)] = EXCLUDED_DISTANCE
    limit = min(int(np.partition(distances, k - 1)[k - 1]), radius)
    within = np.flatnonzero(distances <= limit)
    order = np.argsort(distances[within], kind="stable")[:k]
    return within[order], distances[within[order]].astype(np.int64)
