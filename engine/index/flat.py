"""Exact search by faiss's binary flat index, with the permitted bits, order and ties of `hamming.nearest`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import UsageError
from engine.index.hamming import WORD_BITS, NearestPositions

if TYPE_CHECKING:
    import faiss

PIECE = 1 << 18  # codes whose rows are made and added at once


def need_faiss() -> Any:
    """Return faiss; UsageError in one sentence where it is not installed."""
    try:
        import faiss
    except ImportError as error:
        raise UsageError("The package faiss-cpu is missing: run `make setup`, or `pip install faiss-cpu`.") from error
    return faiss


class FlatIndexes:
    """One `faiss.IndexBinaryFlat` per code length, each a copy of the codes made when it is first asked for."""

    def __init__(self, words: np.ndarray) -> None:
        """Take the codes, (words, n) uint64, in the order of their study ids."""
        self.words = words
        self._by_bits: dict[int, faiss.IndexBinaryFlat] = {}
        self._building = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Return the memory of the copies."""
        return sum(index.ntotal * index.code_size for index in self._by_bits.values())

    def nearest(
        self, query: np.ndarray, k: int, bits: int, allowed: np.ndarray | None = None, radius: int | None = None
    ) -> NearestPositions:
        """Return `hamming.nearest` of these codes.

        faiss does not say which of several codes at the distance of the k-th it returns, so a first search finds that
        distance and a second one every code within it.
        """
        k, reach = min(k, self.words.shape[1]), bits if radius is None else min(radius, bits)
        if k <= 0 or reach < 0:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        index = self.of_length(bits)
        row = np.ascontiguousarray(query[: bits // WORD_BITS]).view(np.uint8)[None]
        params = None
        if allowed is not None:
            faiss = need_faiss()
            params = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(allowed.view(np.uint8)))
        farthest = int(index.search(row, k, params=params)[0][0, -1])  # the largest int32 where fewer are permitted
        _, distances, positions = index.range_search(row, min(farthest, reach) + 1, params=params)
        order = np.lexsort((positions, distances))[:k]
        return positions[order], distances[order].astype(np.int64)

    def of_length(self, bits: int) -> faiss.IndexBinaryFlat:
        """Return the index of the first `bits` bits of the codes."""
        with self._building:
            if bits not in self._by_bits:
                index = need_faiss().IndexBinaryFlat(bits)
                for first in range(0, self.words.shape[1], PIECE):
                    part = self.words[: bits // WORD_BITS, first : first + PIECE]
                    index.add(np.ascontiguousarray(part.T).view(np.uint8))
                self._by_bits[bits] = index
            return self._by_bits[bits]
