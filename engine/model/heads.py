"""Encoder plus linear head: model inputs → the shared space (MEDBind §2.1: 256 dimensions, L2-normalised)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from engine.model.adapter import TowerAdapter, fields_of, mean_beat
from engine.model.models import FilmEncoder, encoder_for

SPACE = 256


class Tower(nn.Module):
    """One modality's way into the shared space; `weights` are those it is to hold, which may be older or adapted."""

    def __init__(self, modality: str, weights: Mapping[str, torch.Tensor] | None = None) -> None:
        super().__init__()
        self.encoder = encoder_for(modality, weights)
        self.head = nn.Linear(self.encoder.features, SPACE)
        self.adapter = None if weights is None else TowerAdapter.shaped_as(weights)

    def project(self, features: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """Features (b, f) → embeddings (b, 256) of length 1.

        inputs : what the features were made of, film tokens after the frozen blocks or an ECG's x and amplitude; an
                 adapted tower reads them too, and TypeError says that they are missing
        """
        z = F.normalize(self.head(features), dim=1)
        return z if self.adapter is None else F.normalize(z + self.adapter(coarse_features(inputs)), dim=1)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Model inputs (batched) → embeddings (b, 256) of length 1."""
        if isinstance(self.encoder, FilmEncoder):
            inputs = {"tokens": self.encoder.lowered(**inputs)}
        return self.project(self.encoder(**inputs), **inputs)


def coarse_features(inputs: Mapping[str, Any]) -> torch.Tensor:
    """Return what an adapter reads of a film's tokens or an ECG's inputs: (b, f)."""
    if "tokens" in inputs:
        return fields_of(inputs["tokens"])
    if "amplitude" not in inputs:
        raise TypeError("An adapted tower needs what the features were made of: tokens, or x and amplitude.")
    return mean_beat(inputs["x"], inputs["amplitude"])
