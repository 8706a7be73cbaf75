"""Exact Hamming search over codes held in memory.

Codes are (words, n) uint64, one row per 64 bits, so that shorter nested codes read less memory. Columns are in the
order of the study ids, hence the smallest position is the smallest id and ties need no further rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

WORD_BITS = 64
# Below this many codes numpy's bitwise_count answers faster than numba's compiled kernel can even be loaded
# (0.6 s for the import against 1 ms for 200,000 codes of 256 bits), so one-off commands never pay for it.
COMPILED_FROM = 200_000
KEPT_OUT = np.uint16(0xFFFF)  # further than any code can be


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


def top_k(
    codes: np.ndarray,
    query: np.ndarray,
    mask: np.ndarray | None,
    k: int,
    bits: int,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest permitted codes: positions (≤k,) int64 and distances (≤k,) int64, nearest first.

    codes  : (words, n) uint64
    query  : (words,) uint64
    mask   : (n,) bool, True where a code may be returned; None permits all
    groups : (n,) int64; at most one code per group is returned, its nearest. None folds nothing.

    Exact; equal distances come in the order of position.
    """
    distances = all_distances(codes, query, bits)
    permitted = distances.size
    if mask is not None:
        distances[~mask] = KEPT_OUT
        permitted = int(np.count_nonzero(mask))
    if groups is None:
        return _nearest(distances, min(k, permitted))
    wanted = 4 * k
    while True:
        found, near = _nearest(distances, min(wanted, permitted))
        keep = np.sort(np.unique(groups[found], return_index=True)[1])[:k]
        if keep.size == k or found.size == permitted:
            return found[keep], near[keep]
        wanted *= 4


def all_distances(codes: np.ndarray, query: np.ndarray, bits: int) -> np.ndarray:
    """Return the (n,) uint16 Hamming distances over the first `bits` bits."""
    words = bits // WORD_BITS
    if codes.shape[1] >= COMPILED_FROM:
        return compiled_kernel()(codes[:words], query[:words])
    total = np.zeros(codes.shape[1], dtype=np.uint16)
    for word in range(words):
        total += np.bitwise_count(codes[word] ^ query[word])
    return total


def compiled_kernel() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the numba scan, compiled once per machine (kept in its disk cache)."""
    from engine.index.scan import distances

    return distances


def words_of(packed: np.ndarray) -> np.ndarray:
    """Return (n, 4) uint64 words of (n, 32) uint8 packed little-endian codes."""
    return np.ascontiguousarray(packed, dtype=np.uint8).view("<u8")


def _nearest(distances: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions and distances, int64, of the k smallest (distance, position)."""
    if k == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    limit = np.partition(distances, k - 1)[k - 1]
    within = np.flatnonzero(distances <= limit)
    order = np.argsort(distances[within], kind="stable")[:k]
    return within[order], distances[within[order]].astype(np.int64)
