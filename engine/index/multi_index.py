"""Exact search by multi-index hashing, with a budget of work after which the caller scans instead.

Every word of 64 bits is cut into the same pieces, so the tables of a 256-bit code begin with those of its 64- and
128-bit prefixes and one index serves all three. Nothing but the tables is held: whether a code was met before is
told from the code itself, so any number of threads search at once without memory of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.index.hamming import NO_MASK, WORD_BITS, NearestPositions, split_keys

MAX_PIECE_BITS = 22  # bits: 4 million buckets, 16 MiB of starts per table


@dataclass(frozen=True, eq=False)
class MultiIndex:
    """The tables of the first `words` words of some codes.

    starts  : uint32, where the buckets of table t begin from bases[t] on, and the last one ends
    bases   : (words * parts + 1,) int64
    members : (words * parts, n) uint32
    cuts    : (parts + 1,) int64, where the pieces of a word begin, and 64
    """

    starts: np.ndarray
    bases: np.ndarray
    members: np.ndarray
    cuts: np.ndarray

    @property
    def parts(self) -> int:
        """Return how many tables a word has."""
        return self.cuts.size - 1

    @property
    def bits(self) -> int:
        """Return the longest code length that the tables serve."""
        return WORD_BITS * self.members.shape[0] // self.parts

    @property
    def nbytes(self) -> int:
        """Return the memory of the tables, beside that of the codes."""
        return int(self.starts.nbytes + self.members.nbytes)

    def prefix(self, bits: int) -> MultiIndex:
        """Return the tables of a shorter code, in memory of their own, so that the rest can be freed."""
        tables = self.parts * bits // WORD_BITS
        starts, bases = self.starts[: self.bases[tables]].copy(), self.bases[: tables + 1].copy()
        return MultiIndex(starts, bases, self.members[:tables].copy(), self.cuts)

    def nearest(
        self,
        codes: np.ndarray,
        query: np.ndarray,
        k: int,
        bits: int,
        allowed: np.ndarray | None = None,
        radius: int | None = None,
        budget: float = math.inf,
    ) -> tuple[NearestPositions | None, float]:
        """Return what `hamming.nearest` returns, or None where the budget is too small, and the work done.

        codes  : (words, n) uint64, the ones that the tables were built from
        budget : buckets and codes to visit at most
        """
        from engine.index import buckets

        words, n = bits // WORD_BITS, codes.shape[1]
        k, reach = min(k, n), bits if radius is None else min(radius, bits)
        if k <= 0 or reach < 0:
            return split_keys(NO_MASK), 0.0
        keys, work, tables = np.empty(k, np.uint64), np.zeros(1), words * self.parts
        held = buckets.look_up(
            np.ascontiguousarray(codes[:words]),
            np.array(query[:words]),
            NO_MASK if allowed is None else allowed,
            reach,
            self.starts,
            self.bases,
            self.members[:tables],
            self.cuts,
            budget,
            keys,
            work,
        )
        return (None if held < 0 else split_keys(np.sort(keys[:held]))), float(work[0])


def cuts_for(n: int) -> np.ndarray:
    """Return where the pieces of a word begin, (parts + 1,) int64: about as many buckets as codes, or fewer."""
    longest = max(1, min(MAX_PIECE_BITS, round(math.log2(max(n, 2)))))
    parts = math.ceil(WORD_BITS / longest)
    return np.array([WORD_BITS * part // parts for part in range(parts + 1)], np.int64)


def build(codes: np.ndarray, bits: int) -> MultiIndex:
    """Return the tables of the first `bits` bits of (words, n) uint64 codes; the interpreter lock is not held."""
    from engine.index import buckets

    words, n = bits // WORD_BITS, codes.shape[1]
    cuts = cuts_for(n)
    lengths = np.diff(cuts).tolist() * words
    bases = np.cumsum([0] + [(1 << length) + 1 for length in lengths], dtype=np.int64)
    starts, members = np.zeros(bases[-1], np.uint32), np.empty((len(lengths), n), np.uint32)
    for table, length in enumerate(lengths):
        word, part = divmod(table, cuts.size - 1)
        place = starts[bases[table] : bases[table + 1]]
        buckets.fill(np.ascontiguousarray(codes[word]), int(cuts[part]), length, place, members[table])
    return MultiIndex(starts, bases, members, cuts)


def min_work(n: int, distance: int, bits: int) -> float:
    """Return the buckets and codes to visit for an answer that reaches to `distance`, were the codes uniform.

    Clustered codes share their buckets with more others, so this is the least that an index has to do.
    """
    cuts = cuts_for(n)
    lengths = np.diff(cuts).tolist() * (bits // WORD_BITS)
    total = 0.0
    for reached in range(distance + 1):
        r, table = divmod(reached, len(lengths))
        total += math.comb(lengths[table], r) * (1 + n / 2 ** lengths[table])
    return total
