"""The compiled Hamming scan: one pass over the codes at the speed of memory, without the interpreter lock."""

from __future__ import annotations

import numba
import numpy as np

# Masks and shifts of the sideways population count (Warren, Hacker's Delight, 2nd ed., section 5-1); LLVM turns the
# idiom into the processor's own instruction where it has one.
PAIRS = np.uint64(0x5555555555555555)
NIBBLES = np.uint64(0x3333333333333333)
BYTES = np.uint64(0x0F0F0F0F0F0F0F0F)
SUM = np.uint64(0x0101010101010101)


@numba.njit("uint16[::1](uint64[:, ::1], uint64[::1])", nogil=True, cache=True)
def distances(codes: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the (n,) uint16 distances of (words, n) uint64 codes from a (words,) uint64 query."""
    words, n = codes.shape
    total = np.zeros(n, dtype=np.uint16)
    for word in range(words):
        wanted = query[word]
        for column in range(n):
            x = codes[word, column] ^ wanted
            x -= (x >> np.uint64(1)) & PAIRS
            x = (x & NIBBLES) + ((x >> np.uint64(2)) & NIBBLES)
            x = (x + (x >> np.uint64(4))) & BYTES
            total[column] += np.uint16((x * SUM) >> np.uint64(56))
    return total
