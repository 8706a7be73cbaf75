"""What an explanation is: the map of one input, both maps of a pair, and what is asked of a release for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch

from engine.explain.coalitions import LIMIT as SHARES_LIMIT
from engine.explain.convergence import rule_of
from engine.study import Study

GRADIENTS, SHAP, OCCLUSION = METHODS = ("gradients", "shap", "occlusion")
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
    parts               : of SHAP and occlusion, what was taken away and what each carries; steps are then sets scored,
                          spread is 0, and values are 0 where a part's share is within twice its error. Of a text,
                          values (parts,) are those of its words
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
    parts: RawParts | None = None

    @property
    def method(self) -> str:
        """One of METHODS."""
        return GRADIENTS if self.parts is None else self.parts.method

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
        """The largest gap with which a map of this modality and method is coloured."""
        if self.method == GRADIENTS:
            return rule_of(self.modality).limit
        return SHARES_LIMIT if self.method == SHAP else float("inf")  # what is lost one by one need not add up

    @property
    def converged(self) -> bool:
        """Whether the map adds up well enough to be coloured."""
        return self.gap <= self.limit and self.spread <= rule_of(self.modality).spread_limit

    @property
    def explained(self) -> float:
        """The share of the change in similarity that the map accounts for, 0..1."""
        return max(0.0, 1.0 - self.gap)


class RawParts(NamedTuple):
    """What was taken away of one side, and what each part carries.

    names  : engine.explain.players.Name of each
    labels : in the shape of the model's input, which part every element is of; (0,) of a text
    values, errors : (parts,) in cosine
    """

    method: str
    names: tuple[tuple[str, str], ...]
    labels: np.ndarray
    values: np.ndarray
    errors: np.ndarray

    @property
    def clear(self) -> np.ndarray:
        """Which parts carry more than twice their error: (parts,) bool."""
        return np.asarray(np.abs(self.values) > 2 * self.errors)


class RawMap(NamedTuple):
    """One map as it was computed: values in the shape of the model's input, the rest as InputMap has it."""

    values: np.ndarray
    similarity: float
    baseline_similarity: float
    gap: float
    spread: float
    steps: int
    seconds: float
    parts: RawParts | None = None


class RawMaps(NamedTuple):
    """Both maps of a pair as they were computed; None of a text side that gradients cannot explain."""

    query: RawMap | None
    match: RawMap | None
    similarity: float
    final: bool


@dataclass(frozen=True, eq=False)
class PairMaps:
    """Both maps of one pair, as far as they are computed; by gradients a text side has none, and notes say so.

    raw : what they were placed from
    """

    query: InputMap | None
    match: InputMap | None
    similarity: float
    final: bool
    notes: tuple[str, ...]
    raw: RawMaps
