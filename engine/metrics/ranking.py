"""Retrieval figures as array → array functions.

scores (q, g): higher is nearer. relevant, allowed (q, g) bool: a query never meets its own patient.
"""

from __future__ import annotations

import numpy as np


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
