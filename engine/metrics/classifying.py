"""Figures of scores against labels: AUROC, balanced accuracy, expected calibration error. With weights."""

from __future__ import annotations

import numpy as np


def auroc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve: the weighted share of (positive, negative) pairs in order, ties half.

    scores (n,), labels (n,) bool, weights (rounds, n), absent: 1 → (rounds,), NaN where a class has no weight.
    """
    weights = np.ones((1, len(scores))) if weights is None else weights
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(scores, kind="stable")
    ranked, truth, weights = scores[order], labels[order], weights[:, order]
    tied = np.flatnonzero(
        np.concatenate([[True], ranked[1:] != ranked[:-1]])
    )  # where each group of equal scores begins
    positive, negative = (np.add.reduceat(weights * side, tied, axis=1) for side in (truth, ~truth))
    below = negative.cumsum(1) - negative / 2
    pairs = positive.sum(1) * negative.sum(1)
    return np.asarray((positive * below).sum(1) / np.where(pairs > 0, pairs, np.nan))


def mean_auroc(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """Mean AUROC over classes: scores, labels (n, c), weights (rounds, n), mask (n, c) bool → (rounds,)."""
    mask = np.ones_like(labels) if mask is None else mask
    each = [auroc(scores[mask[:, c], c], labels[mask[:, c], c], weights[:, mask[:, c]]) for c in range(labels.shape[1])]
    return np.mean(each, axis=0)


def frequent_auroc(scores: np.ndarray, has_finding: np.ndarray, min_positives: int = 8) -> tuple[float, int]:
    """Mean AUROC over the findings with enough studies on either side, and how many findings those are.

    scores (n, findings), has_finding (n, findings) bool; 0.5, chance, where no finding is frequent enough
    """
    positives = has_finding.sum(0)
    frequent = (positives >= min_positives) & (positives <= len(has_finding) - min_positives)
    if not frequent.any():
        return 0.5, 0
    every = np.ones((1, len(scores)))
    return float(mean_auroc(scores[:, frequent], has_finding[:, frequent], every)[0]), int(frequent.sum())


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
