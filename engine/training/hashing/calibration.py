"""From validation pairs to what a distance means: share of random pairs further away, relevance, radii.

Radii are quantiles of the distances of random pairs, per pair of modalities and code length, so that an operating
point means the same everywhere: `balanced` keeps what is closer than 95 % of random pairs are. They change at query
time without retraining.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.model.packing import LENGTHS, distances

POINTS = {"precise": 0.01, "balanced": 0.05, "broad": 0.20}  # share of random pairs inside the radius
CLOSE_SHARE = 0.20  # even the nearest is further than the nearest fifth of random pairs: "nothing close"


def further_shares(distance: np.ndarray, bits: int) -> np.ndarray:
    """Distances of random pairs (n,) → for each d in 0 … bits the share of pairs further than d: (bits + 1,)."""
    counts = np.bincount(distance, minlength=bits + 1)[: bits + 1]
    return 1 - counts.cumsum() / max(1, counts.sum())


def relevance_curve(distance: np.ndarray, relevant: np.ndarray, bits: int) -> np.ndarray:
    """Isotonic regression of relevance on distance, falling: (bits + 1,) probabilities."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, increasing=False, out_of_bounds="clip").fit(
        distance, relevant.astype(float)
    )
    return fitted.predict(np.arange(bits + 1))


def radius(further: np.ndarray, share: float) -> int:
    """Return the largest distance with at most `share` of random pairs inside it; 0 where even that holds more."""
    inside = np.flatnonzero(1 - further <= share)
    return int(inside[-1]) if len(inside) else 0


def table(
    query: np.ndarray, target: np.ndarray, relevant: np.ndarray, labelled: np.ndarray, different_patients: np.ndarray
) -> dict[str, Any]:
    """Calibrate one pair of modalities at every code length.

    query (q, 32), target (g, 32) packed codes; relevant, known, apart (q, g) bool: share a finding, both have findings,
    belong to different patients.
    """
    out = {}
    for bits in LENGTHS:
        distance = distances(query, target, bits)
        further = further_shares(distance[different_patients], bits)
        curve = relevance_curve(distance[different_patients & labelled], relevant[different_patients & labelled], bits)
        out[str(bits)] = {
            "further": [round(float(v), 4) for v in further],
            "relevance": [round(float(v), 4) for v in curve],
            "radius": {name: radius(further, share) for name, share in POINTS.items()},
            "close_limit": radius(further, CLOSE_SHARE),
            "pairs": int(different_patients.sum()),
        }
    return out
