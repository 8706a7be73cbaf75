"""Retrieval figures as array → array functions, with bootstrap intervals by patient.

scores (q, g): higher is nearer. relevant, allowed (q, g) bool: a query never meets its own patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """One measured value with its n and 95 % bootstrap interval by patient."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        """Return the figure rounded for JSON."""
        return {"value": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4), "n": self.n}


def ranked_relevance(scores: np.ndarray, relevant: np.ndarray, allowed: np.ndarray, k: int) -> np.ndarray:
    """Return relevance of each query's k nearest allowed items, (q, k) float; NaN past the last; ties by number."""
    masked = np.where(allowed, scores.astype(np.float64), -np.inf)
    order = np.argsort(-masked, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(relevant, order, 1).astype(float)
    found[~np.take_along_axis(allowed, order, 1)] = np.nan
    return found


def precision_at(relevance: np.ndarray, k: int) -> np.ndarray:
    """Share of relevant items among the first k, per query (q,)."""
    return np.nanmean(relevance[:, :k], 1)


def average_precision_at(relevance: np.ndarray, k: int) -> np.ndarray:
    """AP@k per query: mean over relevant ranks ≤ k of the precision there; 0 where none is relevant."""
    hits = np.nan_to_num(relevance[:, :k])
    precision = hits.cumsum(1) / np.arange(1, hits.shape[1] + 1)
    return (precision * hits).sum(1) / np.maximum(hits.sum(1), 1)


def chance(relevant: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Share of relevant items among all allowed ones, per query: what a random order gives for P@k."""
    return (relevant & allowed).sum(1) / np.maximum(allowed.sum(1), 1)


def bootstrap(values: np.ndarray, patients: Sequence[str], seed: int = 0, rounds: int = 1000) -> Estimate:
    """Mean of per-query values with a percentile interval from resampling patients."""
    names, index = np.unique(np.asarray(patients), return_inverse=True)
    sums = np.bincount(index, values)
    counts = np.bincount(index).astype(float)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(names), (rounds, len(names)))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high), len(values))
