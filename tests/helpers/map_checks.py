"""Whether a map can be believed: does it add up, and does it depend on what the model has learnt?"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from engine.explain.attribution import explain_pair
from engine.explain.maps import ExplainableRelease, PairMaps
from engine.study import Study

if TYPE_CHECKING:
    import torch


def completeness_gap(values: np.ndarray, similarity: float, baseline_similarity: float) -> float:
    """Return |sum(values) − (similarity − baseline_similarity)| over |similarity − baseline_similarity|."""
    rise = similarity - baseline_similarity
    return abs(float(values.sum(dtype=np.float64)) - rise) / abs(rise)


def shuffle_parameters(module: torch.nn.Module, rng: np.random.Generator) -> torch.nn.Module:
    """Return a copy of module in which every weight array has its values in random order."""
    import torch

    shuffled = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in shuffled.parameters():
            order = torch.from_numpy(rng.permutation(parameter.numel()))
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    return shuffled


class ShuffledRelease:
    """A release whose modules have lost what they learnt; everything else is the original's."""

    def __init__(self, release: ExplainableRelease, rng: np.random.Generator) -> None:
        self._release = release
        self._rng, self._modules = rng, dict[str, "torch.nn.Module"]()

    def inputs(self, study: Study) -> dict[str, np.ndarray]:
        """The model inputs of one study."""
        return self._release.inputs(study)

    def module(self, modality: str) -> torch.nn.Module:
        """The shuffled module of one modality."""
        if modality not in self._modules:
            self._modules[modality] = shuffle_parameters(self._release.module(modality), self._rng)
        return self._modules[modality]

    def mapping(self, modality: str) -> Callable[[torch.Tensor], torch.Tensor]:
        """A round's map, as it was learnt."""
        return self._release.mapping(modality)


def randomisation_correlation(
    release: ExplainableRelease, query: Study, match: Study, rng: np.random.Generator
) -> float:
    """Return the rank correlation of the query's |map| with the one after shuffling every learnt weight.

    Near 1 the map shows the input, not the model (Adebayo et al., NeurIPS 2018).
    """
    trained = _last(release, query, match).query
    shuffled = _last(ShuffledRelease(release, rng), query, match).query
    if trained is None or shuffled is None:
        raise ValueError(f"a {query.modality} query has no map")
    return float(spearmanr(np.abs(trained.values).ravel(), np.abs(shuffled.values).ravel()).statistic)


def _last(release: ExplainableRelease, query: Study, match: Study) -> PairMaps:
    *_, last = explain_pair(release, query, match)
    return last
