"""One 256-bit hash layer whose first 64 and 128 bits are codes in their own right, and the packing of bits.

Bit i of a packed code is byte i // 8, bit i % 8 (little-endian), so eight bytes viewed as "<u8" are word i // 64.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

BITS = 256
LENGTHS = (64, 128, 256)


class HashLayer(nn.Module):
    """Shared projection, one threshold per modality and bit (so that bits are balanced within each modality)."""

    def __init__(self, modalities: Sequence[str]) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.weight = nn.Parameter(torch.empty(BITS, BITS))
        nn.init.orthogonal_(self.weight)
        self.threshold = nn.Parameter(torch.zeros(len(modalities), BITS))

    def forward(self, z: torch.Tensor, modality: str) -> torch.Tensor:
        """Embeddings (n, 256) → relaxed bits in −1 … 1 (n, 256)."""
        return torch.tanh(self.project(z, modality))

    def project(self, z: torch.Tensor, modality: str) -> torch.Tensor:
        """Embeddings (n, 256) → signed distance from each bit's threshold (n, 256); √256 keeps unit scale."""
        return (z @ self.weight.T - self.threshold[self.modalities.index(modality)]) * BITS**0.5


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
