"""Figures of scores against labels: AUROC, balanced accuracy, expected calibration error. With weights."""

from __future__ import annotations

import numpy as np


def auroc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve: the weighted share of (positive, negative) pairs in order, ties half.

    scores (n,), labels (n,) bool, weights (rounds, n), absent: 1 → (rounds,), NaN where a class has no weight.
    """
    weights = np.ones((1, len(scores))) if weights is None else weights
    above, below = scores[labels][:, None], scores[~labels][None]
    order = (above > below) + 0.5 * (above == below)  # (positives, negatives)
    positive, negative = weights[:, labels], weights[:, ~labels]
    pairs = positive.sum(1) * negative.sum(1)
    ordered = ((positive @ order) * negative).sum(1)
    return ordered / np.where(pairs > 0, pairs, np.nan)


def mean_auroc(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """Mean AUROC over classes: scores, labels (n, c), weights (rounds, n), known (n, c) bool → (rounds,)."""
    mask = np.ones_like(labels) if mask is None else mask
    each = [auroc(scores[mask[:, c], c], labels[mask[:, c], c], weights[:, mask[:, c]]) for c in range(labels.shape[1])]
    return np.mean(each, axis=0)


def balanced_accuracy(right: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean recall over classes: right (n,) 0 … 1, truth (n,) class, weights (rounds, n) → (rounds,)."""
    weights = np.ones((1, len(right))) if weights is None else weights
    recalls = []
    for name in np.unique(truth):
        mine = weights[:, truth == name]
        total = mine.sum(1)
        recalls.append((mine @ right[truth == name]) / np.where(total > 0, total, np.nan))
    return np.mean(recalls, axis=0)


def reliability(probability: np.ndarray, happened: np.ndarray, bins: int = 10) -> tuple[np.ndarray, ...]:
    """Counts per bin of predicted probability: pairs (bins,), summed probability (bins,), summed outcome (bins,)."""
    place = np.clip((probability * bins).astype(int), 0, bins - 1)
    return tuple(np.bincount(place, part, bins) for part in (np.ones(len(place)), probability, happened.astype(float)))


def calibration_error(pairs: np.ndarray, summed: np.ndarray, happened: np.ndarray) -> np.ndarray:
    """Expected calibration error (Naeini et al. 2015): mean over bins of |predicted − observed|, by share of pairs.

    All (…, bins) as `reliability` gives them → (…,).
    """
    return np.abs(summed - happened).sum(-1) / np.maximum(pairs.sum(-1), 1)
