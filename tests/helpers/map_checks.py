"""Whether a map can be believed: does it add up, and does it depend on what the model has learnt?"""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from engine.evaluate.map_checks import ShuffledRelease
from engine.explain.attribution import explain_pair
from engine.explain.maps import ExplainableRelease, PairMaps
from engine.study import Study


def completeness_gap(values: np.ndarray, similarity: float, baseline_similarity: float) -> float:
    """Return |sum(values) − (similarity − baseline_similarity)| over |similarity − baseline_similarity|."""
    rise = similarity - baseline_similarity
    return abs(float(values.sum(dtype=np.float64)) - rise) / abs(rise)


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
