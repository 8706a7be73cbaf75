"""Encoder plus linear head: model inputs → the shared space (MEDBind §2.1: 256 dimensions, L2-normalised)."""

from __future__ import annotations

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import nn

from engine.model.models import encoder_for

SPACE = 256


class Tower(nn.Module):
    """One modality's way into the shared space; `weights` names those it is to hold, where they may be older."""

    def __init__(self, modality: str, weights: Collection[str] | None = None) -> None:
        super().__init__()
        self.encoder = encoder_for(modality, weights)
        self.head = nn.Linear(self.encoder.features, SPACE)

    def project(self, features: torch.Tensor) -> torch.Tensor:
        """Features (b, f) → embeddings (b, 256) of length 1."""
        return F.normalize(self.head(features), dim=1)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Model inputs (batched) → embeddings (b, 256) of length 1."""
        return self.project(self.encoder(**inputs))
