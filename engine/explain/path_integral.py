"""Integrated gradients of one scalar along one straight path, with gradients where the path bends.

Sundararajan et al., ICML 2017: with baseline b and input x, the attribution (x − b) · ∫₀¹ ∇f(b + α(x − b)) dα sums to
f(x) − f(b) (completeness). The integral runs over s with α = s^power, which spends more of it where little of the input
is there yet and similarity changes most. Every gradient also gives f, so between two nodes it is known how far the
integral of the slope misses the change in f: that is where the next node goes. A cubic spline through the nodes gives
each gradient its weight, so no gradient is thrown away and few are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.interpolate import make_interp_spline

Score = Callable[[torch.Tensor], torch.Tensor]  # (n, …) inputs → (n,) similarities, differentiable
DEGREE = 3  # of the spline


@dataclass(frozen=True, eq=False)
class Node:
    """The place s on the path: f there, and gradient · (x − b) · dα/ds in x's shape with its sum, the slope of f."""

    s: float
    height: float
    slope: float
    values: np.ndarray


@dataclass
class PathIntegral:
    """Attribution of score(x) − score(baseline), refined node by node.

    score         : differentiable; batches over the first axis
    x, baseline   : tensors of one shape without a batch axis
    batch         : inputs per forward and backward pass, for memory
    power         : α = s^power; above 1 the slope at the baseline is 0 and costs no gradient
    low           : score(baseline) where it is known
    top           : score(x) and its gradient in x's shape where they are known; they count as one gradient
    on_batch      : called after each pass; what it raises ends the work
    """

    score: Score
    x: torch.Tensor
    baseline: torch.Tensor
    batch: int = 8
    power: float = 1.0
    low: float | None = None
    top: tuple[float, torch.Tensor] | None = None
    on_batch: Callable[[], None] = lambda: None
    steps: int = 0  # gradients computed so far
    nodes: list[Node] = field(default_factory=list)

    def start(self, pieces: int) -> None:
        """Put nodes at the ends of so many equal pieces of the path, at least 3."""
        self._add(np.linspace(0, 1, pieces + 1).tolist())

    def refine(self, most: int = 1) -> None:
        """Halve the `most` stretches between nodes where slope and change in f differ most."""
        s = [node.s for node in self.nodes]
        worst = np.argsort(-np.abs(self.misses))[:most]
        self._add([(s[i] + s[i + 1]) / 2 for i in worst])

    @property
    def values(self) -> np.ndarray:
        """The attribution so far, in x's shape, float32; its unit is that of the score."""
        weights = self._spline(np.eye(len(self.nodes))).integrate(0, 1)
        return np.tensordot(weights, np.stack([node.values for node in self.nodes]), 1).astype(np.float32)

    @property
    def ends(self) -> tuple[float, float]:
        """score(baseline), score(x)."""
        return self.nodes[0].height, self.nodes[-1].height

    @property
    def rise(self) -> float:
        """score(x) − score(baseline), what the attribution should sum to."""
        return self.ends[1] - self.ends[0]

    @property
    def misses(self) -> np.ndarray:
        """How far the integral of the slope misses the change in f between neighbouring nodes: (nodes − 1,)."""
        reached = self._spline(np.array([node.slope for node in self.nodes])).antiderivative()
        places, heights = ([getattr(node, name) for node in self.nodes] for name in ("s", "height"))
        return np.asarray(np.diff(reached(places)) - np.diff(heights))

    @property
    def miss(self) -> float:
        """sum(values) − rise."""
        return float(self.misses.sum())

    def _spline(self, heights: np.ndarray) -> make_interp_spline:
        return make_interp_spline([node.s for node in self.nodes], heights, k=DEGREE)

    def _add(self, places: list[float]) -> None:
        if self.power > 1 and 0.0 in places:
            places = [s for s in places if s > 0]
            with torch.no_grad():
                height = float(self.score(self.baseline[None])) if self.low is None else self.low
            self.nodes.append(Node(0.0, height, 0.0, np.zeros(tuple(self.x.shape), np.float32)))
        if self.top is not None and 1.0 in places:
            places = [s for s in places if s < 1]
            height, gradient = self.top
            self.nodes.append(self._node(1.0, height, gradient))
            self.steps += 1
        for first in range(0, len(places), self.batch):
            self.nodes += self._measured(places[first : first + self.batch])
            self.on_batch()
        self.nodes.sort(key=lambda node: node.s)

    def _measured(self, places: list[float]) -> list[Node]:
        """Return nodes at these places, by one forward and one backward pass."""
        way = self.x - self.baseline
        inputs = torch.stack([self.baseline + s**self.power * way for s in places]).requires_grad_(True)
        heights = self.score(inputs)
        (gradients,) = torch.autograd.grad(heights.sum(), inputs)
        self.steps += len(places)
        return [self._node(*each) for each in zip(places, heights.tolist(), gradients, strict=True)]

    def _node(self, s: float, height: float, gradient: torch.Tensor) -> Node:
        values = (self.power * s ** (self.power - 1) * gradient * (self.x - self.baseline)).numpy()
        return Node(s, height, float(values.sum(dtype=np.float64)), values)
