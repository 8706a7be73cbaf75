"""Bits of codes in bytes and words, and how many differ; numpy alone, so that a device packs them as a hospital does.

Bit i of a packed code is byte i // 8, bit i % 8 (little-endian), so eight bytes viewed as "<u8" are word i // 64.
"""

from __future__ import annotations

import numpy as np

BITS = 256
LENGTHS = (64, 128, 256)


def pack(signs: np.ndarray) -> np.ndarray:
    """Bits as (n, 256) bool → packed codes (n, 32) uint8."""
    return np.packbits(signs, axis=1, bitorder="little")


def unpack(codes: np.ndarray) -> np.ndarray:
    """Packed codes (n, 32) uint8 → bits (n, 256) bool."""
    return np.unpackbits(codes, axis=1, bitorder="little").astype(bool)


def to_words(codes: np.ndarray) -> np.ndarray:
    """Packed codes (n, 32) uint8 → (n, 4) uint64; word 0 is the 64-bit code."""
    return np.ascontiguousarray(codes).view("<u8")


def distances(queries: np.ndarray, codes: np.ndarray, bits: int) -> np.ndarray:
    """Hamming distances between packed codes on their first `bits` bits: (q, 32), (n, 32) → (q, n) int32."""
    a, b = to_words(queries)[:, : bits // 64], to_words(codes)[:, : bits // 64]
    out = np.zeros((len(a), len(b)), np.int32)
    for word in range(a.shape[1]):
        out += np.bitwise_count(a[:, word, None] ^ b[None, :, word])
    return out
