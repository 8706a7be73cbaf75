"""Whether a map can be believed: does it depend on what was learnt, on what it marks, on noise, and where does it lie?

Every check is of the map that is shown: signed, smoothed, blank where shares are within twice their error.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from engine.explain.attribution import attributed_side, embed, module_of, tensors
from engine.explain.baselines import baseline
from engine.explain.coalition_maps import shared_side
from engine.explain.maps import GRADIENTS, ExplainableRelease, RawMap
from engine.explain.placing import input_map
from engine.explain.players import players_of
from engine.study import Film, Study

LEVELS = ("top layers", "every layer")  # whose weights are shuffled, from the output on
UNITS = 8  # cells along a film that are taken away together; a trace loses wave by wave
POINTS = 6  # of a curve between none and all
NOISE = 0.02  # of the input's standard deviation
FILM_PICTURES = 2  # of SHAP on films: the second one, after 32 comparisons


def side_map(method: str, release: ExplainableRelease, study: Study, other: torch.Tensor) -> RawMap:
    """Return one study's map by a method, against an embedding (256,) that is held."""
    if method == GRADIENTS:
        return attributed_side(release, study, other)
    return shared_side(release, study, other, method, FILM_PICTURES if isinstance(study.content, Film) else None)


def shown(study: Study, raw: RawMap) -> np.ndarray:
    """Return what is drawn of a map: (h, w) or (leads, n), zeros where it may not be coloured."""
    placed = input_map(study, raw)
    return placed.values if placed.converged else np.zeros_like(placed.values)


def order_alike(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's correlation of two maps; 0 where one of them is all of one value, which has no order."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


@dataclass(eq=False)
class ShuffledRelease:
    """A release that has lost what it learnt, from its output down to a level; everything else is the original's."""

    release: ExplainableRelease
    rng: np.random.Generator
    level: str = LEVELS[-1]
    modules: dict[str, torch.nn.Module] = field(default_factory=dict)

    def inputs(self, study: Study) -> dict[str, np.ndarray]:
        """The model inputs of one study."""
        return self.release.inputs(study)

    def module(self, modality: str) -> torch.nn.Module:
        """The shuffled module of one modality."""
        if modality not in self.modules:
            self.modules[modality] = shuffled(self.release.module(modality), self.rng, self.level)
        return self.modules[modality]

    def mapping(self, modality: str) -> Callable[[torch.Tensor], torch.Tensor]:
        """A round's map, as it was learnt."""
        return self.release.mapping(modality)


def shuffled(module: torch.nn.Module, rng: np.random.Generator, level: str = LEVELS[-1]) -> torch.nn.Module:
    """Return a copy of a tower in which weight arrays have their values in random order: those of its head, or all."""
    out = copy.deepcopy(module)
    with torch.no_grad():
        for name, parameter in out.named_parameters():
            if level == LEVELS[-1] or not name.startswith("encoder."):
                order = torch.from_numpy(rng.permutation(parameter.numel()))
                parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    return out


class NoisyRelease:
    """A release that sees every input with a little noise."""

    def __init__(self, release: ExplainableRelease, seed: int) -> None:
        self._release, self._seed = release, seed
        self.module, self.mapping = release.module, release.mapping

    def inputs(self, study: Study) -> dict[str, np.ndarray]:
        """The model inputs of one study, noise of NOISE of its deviation on what there is of x."""
        found = dict(self._release.inputs(study))
        x = found["x"]
        noise = np.random.default_rng(self._seed).standard_normal(x.shape) * NOISE * x.std()
        found["x"] = np.where(x == 0, x, x + noise).astype(np.float32)
        return found


def randomised(
    method: str, release: ExplainableRelease, query: Study, other: torch.Tensor, *, level: str, seed: int
) -> np.ndarray:
    """Return the shown map after shuffling the query's encoder down to a level (Adebayo et al., NeurIPS 2018).

    other : the embedding (256,) that is held
    """
    return shown(query, side_map(method, ShuffledRelease(release, np.random.default_rng(seed), level), query, other))


def both_sides(method: str, release: ExplainableRelease, query: Study, match: Study, seed: int) -> np.ndarray:
    """Return the shown map where query and match go through the same shuffled head.

    A head of random weights is a random projection, which keeps cosines (Johnson and Lindenstrauss 1984): so a map that
    stays alike here is no worse for it, and no check rests on it.
    """
    untaught = ShuffledRelease(release, np.random.default_rng(seed), LEVELS[0])
    return shown(query, side_map(method, untaught, query, embed(untaught, match, tensors(untaught, match))))


@dataclass(frozen=True, eq=False)
class Curves:
    """How similarity falls as units are taken away, and rises as they are brought back (Petsiuk et al., BMVC 2018).

    score : (n, units) bool, which units are there → (n,) similarity, 0 as the baseline and 1 as the study
    """

    units: int
    score: Callable[[np.ndarray], np.ndarray]
    sums: Callable[[np.ndarray], np.ndarray]  # a map in x's shape → its sum over each unit

    def areas(self, order: np.ndarray) -> tuple[float, float]:
        """Return the areas under the deletion and the insertion curve for an order of units, first ones first."""
        many = np.round(np.linspace(0, self.units, POINTS + 2)[1:-1]).astype(int)
        gone = np.ones((POINTS, self.units), bool)
        for row, count in zip(gone, many, strict=True):
            row[order[:count]] = False
        heights = self.score(np.concatenate([gone, ~gone]))
        at = np.concatenate([[0], many / self.units, [1]])
        falls = np.concatenate([[1], heights[:POINTS], [0]])
        rises = np.concatenate([[0], heights[POINTS:], [1]])
        return float(np.trapezoid(falls, at)), float(np.trapezoid(rises, at))


def curves(release: ExplainableRelease, study: Study, other: torch.Tensor) -> Curves:
    """Return what measures the faithfulness of maps of one study against an embedding (256,) that is held."""
    inputs = tensors(release, study)
    x = inputs.pop("x")
    low, module = baseline(x, study), module_of(release, study)
    players = players_of(study, x.numpy(), cells=UNITS)
    labels = torch.from_numpy(players.labels)

    def similarity(sets: np.ndarray) -> np.ndarray:
        found = []
        for some in np.array_split(sets, max(1, len(sets) // 8)):
            masked = torch.where(torch.from_numpy(some)[:, labels], x, low)
            rest: dict[str, Any] = {name: value.expand(len(some), *value.shape) for name, value in inputs.items()}
            with torch.no_grad():
                scores: torch.Tensor = module(x=masked, **rest) @ other
            found.append(scores.numpy())
        return np.concatenate(found)

    many = len(players.names)
    ends = similarity(np.stack([np.zeros(many, bool), np.ones(many, bool)]))
    rise = float(ends[1] - ends[0])
    return Curves(many, lambda sets: (similarity(sets) - ends[0]) / rise, players.sums)


@dataclass(frozen=True)
class Located:
    """Where a map lies against a region.

    hit    : whether the strongest place that raises similarity is in the region (the pointing game, Zhang et al. 2018)
    energy : the share of what raises similarity that lies in it
    area   : the region's share of the picture; middle : whether the middle of the picture is in it
    """

    hit: float
    energy: float
    area: float
    middle: float


def located(values: np.ndarray, region: np.ndarray) -> Located:
    """Return where a shown map lies against a region of its shape, bool."""
    raising = np.clip(values, 0, None)
    total = float(raising.sum())
    middle = tuple(size // 2 for size in values.shape)
    if total == 0:
        return Located(0.0, 0.0, float(region.mean()), float(region[middle]))
    hit = bool(region.ravel()[int(np.argmax(raising))])
    return Located(float(hit), float(raising[region].sum()) / total, float(region.mean()), float(region[middle]))
