"""One 256-bit hash layer whose first 64 and 128 bits are codes in their own right."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from engine.model.packing import BITS, LENGTHS, distances, pack, to_words, unpack

__all__ = ["BITS", "LENGTHS", "HashLayer", "distances", "pack", "to_words", "unpack"]


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
