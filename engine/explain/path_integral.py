"""Integrated gradients of one scalar along one straight path, refined until they add up.

Sundararajan et al., ICML 2017: with baseline b and input x, the attribution (x − b) · ∫₀¹ ∇f(b + α(x − b)) dα sums to
f(x) − f(b) (completeness). The path is cut into pieces; captum integrates every piece by Gauss–Legendre, and since
completeness holds for each piece on its own, the pieces that do not add up are the ones cut further. Pieces that do
are kept, so refinement adds to the work done instead of repeating it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from captum.attr import IntegratedGradients

Score = Callable[[torch.Tensor], torch.Tensor]  # (n, …) inputs → (n,) similarities, differentiable


@dataclass
class Piece:
    """The stretch start … end (shares of the path) with its attribution and how far that misses completeness."""

    start: float
    end: float
    values: np.ndarray
    miss: float  # sum(values) − (f(end) − f(start))


@dataclass
class PathIntegral:
    """Attribution of score(x) − score(baseline), refined piece by piece.

    score         : differentiable; batches over the first axis
    x, baseline   : tensors of one shape without a batch axis
    known         : scores at shares of the path, as far as they are known
    batch         : inputs per forward and backward pass, for memory
    """

    score: Score
    x: torch.Tensor
    baseline: torch.Tensor
    batch: int = 8
    known_scores: dict[float, float] = field(default_factory=dict)
    steps: int = 0  # gradients computed so far
    pieces: list[Piece] = field(default_factory=list)

    def start(self, nodes: int, pieces: int = 1) -> None:
        """Integrate the whole path in equal pieces with `nodes` gradients each."""
        edges = np.linspace(0, 1, pieces + 1).tolist()
        self.pieces = self._integrate(list(pairwise(edges)), nodes)

    def refine(self, nodes: int, most: int = 2) -> None:
        """Halve the `most` pieces that miss completeness most, and integrate the halves with `nodes` gradients each."""
        ranked = sorted(self.pieces, key=lambda piece: -abs(piece.miss))
        worst, kept = ranked[:most], ranked[most:]
        halves = []
        for piece in worst:
            middle = (piece.start + piece.end) / 2
            halves += [(piece.start, middle), (middle, piece.end)]
        self.pieces = sorted(kept + self._integrate(halves, nodes), key=lambda piece: piece.start)

    @property
    def values(self) -> np.ndarray:
        """The attribution so far, in x's shape, float32; its unit is that of the score."""
        return np.stack([piece.values for piece in self.pieces]).sum(0, dtype=np.float32)

    @property
    def rise(self) -> float:
        """score(x) − score(baseline), what the attribution should sum to."""
        return self._height(1.0) - self._height(0.0)

    @property
    def ends(self) -> tuple[float, float]:
        """score(baseline), score(x)."""
        return self._height(0.0), self._height(1.0)

    @property
    def miss(self) -> float:
        """sum(values) − rise."""
        return sum(piece.miss for piece in self.pieces)

    def _integrate(self, spans: list[tuple[float, float]], nodes: int) -> list[Piece]:
        self._measure([edge for span in spans for edge in span])
        starts = torch.stack([self._at(a) for a, _ in spans])
        ends = torch.stack([self._at(b) for _, b in spans])
        integrated = IntegratedGradients(self.score).attribute(
            ends, starts, n_steps=nodes, method="gausslegendre", internal_batch_size=max(self.batch, len(spans))
        )
        self.steps += nodes * len(spans)
        arrays = integrated.detach().float().numpy()
        misses = [
            float(v.sum(dtype=np.float64)) - (self._height(b) - self._height(a))
            for v, (a, b) in zip(arrays, spans, strict=True)
        ]
        return [Piece(a, b, v, miss) for (a, b), v, miss in zip(spans, arrays, misses, strict=True)]

    def _at(self, share: float) -> torch.Tensor:
        return self.baseline + share * (self.x - self.baseline)

    def _height(self, share: float) -> float:
        self._measure([share])
        return self.known_scores[share]

    def _measure(self, shares: list[float]) -> None:
        """Compute the score at path positions not yet known."""
        missing = [share for share in dict.fromkeys(shares) if share not in self.known_scores]
        for i in range(0, len(missing), self.batch):
            chunk = missing[i : i + self.batch]
            with torch.no_grad():
                heights = self.score(torch.stack([self._at(share) for share in chunk]))
            self.known_scores |= dict(zip(chunk, heights.tolist(), strict=True))
