"""Encoder plus linear head: model inputs → the shared space (MEDBind §2.1: 256 dimensions, L2-normalised)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import nn

from engine.model.adapter import BEATS, SHAPE, AdapterLink, TowerAdapter
from engine.model.models import FilmEncoder, encoder_for

SPACE = 256


class Tower(nn.Module):
    """One modality's way into the shared space; `weights` are those it is to hold, which may be older or adapted."""

    def __init__(self, modality: str, weights: Mapping[str, torch.Tensor] | None = None) -> None:
        super().__init__()
        self.modality = modality
        self.encoder = encoder_for(modality, weights)
        self.head = nn.Linear(self.encoder.features, SPACE)
        self.adapter, self.beats = (TowerAdapter.shaped_as(weights, link) for link in (SHAPE, BEATS))

    def adapters(self) -> Iterator[tuple[AdapterLink, TowerAdapter]]:
        """Yield the links that this tower is adapted for, in the order in which they are added."""
        for link, adapter in ((SHAPE, self.adapter), (BEATS, self.beats)):
            if adapter is not None:
                yield link, adapter

    def project(self, features: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """Features (b, f) → embeddings (b, 256) of length 1.

        inputs : what the features were made of, film tokens after the frozen blocks or a trace's model inputs; an
                 adapted tower reads them too, and TypeError says that they are missing
        """
        z = F.normalize(self.head(features), dim=1)
        for link, adapter in self.adapters():
            z = F.normalize(z + adapter(link.readers[self.modality].of(inputs)), dim=1)
        return z

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Model inputs (batched) → embeddings (b, 256) of length 1."""
        if isinstance(self.encoder, FilmEncoder):
            inputs = {"tokens": self.encoder.lowered(**inputs)}
        return self.project(self.encoder(**inputs), **inputs)
