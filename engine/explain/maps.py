"""What an explanation is: the map of one input, both maps of a pair, and what is asked of a release for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch

from engine.explain.convergence import rule_of
from engine.study import Study

SMALL_RISE = 0.05  # cosine; a smaller change in similarity than this is too small to measure a gap against


class ExplainableRelease(Protocol):
    """What is asked of a release."""

    def inputs(self, study: Study) -> dict[str, np.ndarray]:
        """The model inputs of one study, without a batch axis; "x" is attributed."""

    def module(self, modality: str) -> torch.nn.Module:
        """The differentiable module: batched inputs → (n, 256), L2-normalised."""

    def mapping(self, modality: str) -> Callable[[torch.Tensor], torch.Tensor]:
        """What a round has learnt to do with these embeddings before they are compared: (n, 256) → (n, 256)."""


@dataclass(frozen=True, eq=False)
class InputMap:
    """What one input contributes to the similarity.

    values              : (h, w) on the film's pixels or (leads, n) on the trace's samples, float32, signed, smoothed;
                          in cosine per pixel or sample; they sum to similarity − baseline_similarity but for the gap
    baseline            : what the input was compared with, in words
    gap                 : |sum − (similarity − baseline_similarity)| over |similarity − baseline_similarity|, or over
                          SMALL_RISE where that is smaller: a share of next to nothing would say nothing
    spread              : how far the stretches of the path miss their changes, added without their signs, over the same
    steps               : gradients computed
    seconds             : of the processor
    smoothing           : in words
    outside             : the share of the map's |values| that lies outside the patient's body; None of a trace and of a
                          map that has not converged
    """

    modality: str
    values: np.ndarray
    baseline: str
    similarity: float
    baseline_similarity: float
    gap: float
    spread: float
    steps: int
    seconds: float
    smoothing: str
    outside: float | None = None

    @property
    def rise(self) -> float:
        """What the map shares out: similarity − baseline_similarity."""
        return self.similarity - self.baseline_similarity

    @property
    def measure(self) -> float:
        """What shares and the gap are measured against: |rise|, or SMALL_RISE where that is smaller."""
        return max(abs(self.rise), SMALL_RISE)

    @property
    def limit(self) -> float:
        """The largest gap with which a map of this modality is coloured."""
        return rule_of(self.modality).limit

    @property
    def converged(self) -> bool:
        """Whether the map adds up well enough to be coloured."""
        return self.gap <= self.limit and self.spread <= rule_of(self.modality).spread_limit

    @property
    def explained(self) -> float:
        """The share of the change in similarity that the map accounts for, 0..1."""
        return max(0.0, 1.0 - self.gap)


class RawMap(NamedTuple):
    """One map as it was computed: values in the shape of the model's input, the rest as InputMap has it."""

    values: np.ndarray
    similarity: float
    baseline_similarity: float
    gap: float
    spread: float
    steps: int
    seconds: float


class RawMaps(NamedTuple):
    """Both maps of a pair as they were computed; None of a text side."""

    query: RawMap | None
    match: RawMap | None
    similarity: float
    final: bool


@dataclass(frozen=True, eq=False)
class PairMaps:
    """Both maps of one pair, as far as they are computed; a text side has none, and notes say so.

    raw : what they were placed from
    """

    query: InputMap | None
    match: InputMap | None
    similarity: float
    final: bool
    notes: tuple[str, ...]
    raw: RawMaps
