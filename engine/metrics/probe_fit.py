"""Linear probes on frozen embeddings: standardised by `train`, strength chosen on `valid`, scored where asked."""

from __future__ import annotations

import warnings

import numpy as np

from engine.metrics.classifying import auroc

STRENGTHS = tuple(10.0**p for p in (-4, -3, -2, -1, 0, 1))  # scikit-learn's C of the logistic probe
RIDGES = tuple(10.0**p for p in (0, 1, 2, 3, 4))  # and its alpha of the ridge probe


def standardised(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Scale features to mean 0 and deviation 1 of `train`: (n, f) each, train first; constant features become 0.

    Not by scikit-learn's StandardScaler: it sums in another order, which would change figures in docs/.
    """
    mean, deviation = train.mean(0), train.std(0)
    safe = np.where(deviation > 1e-8, deviation, 1.0)
    return [((part - mean) / safe).astype(np.float64) for part in (train, *others)]


def logistic_scores(train: np.ndarray, labels: np.ndarray, strength: float, *others: np.ndarray) -> list[np.ndarray]:
    """Log-odds of one logistic regression: train (n, f), labels (n,) bool, others (m, f) each → (m,) each."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # weak penalties: the last step is good enough to compare
        fitted = LogisticRegression(C=strength, max_iter=300).fit(train, labels)
    return [fitted.decision_function(part) for part in others]


def multi_label(
    parts: tuple[np.ndarray, np.ndarray, np.ndarray], labels: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, float]:
    """One logistic probe per label, one C for all, chosen by mean AUROC on `valid`.

    parts: features (n, f) of train, valid, test; labels (n, c) bool of train, valid → test scores (n, c), C.
    """
    train, valid, test = standardised(*parts)
    tried: dict[float, tuple[float, np.ndarray]] = {}
    for strength in STRENGTHS:
        each = [logistic_scores(train, column, strength, valid, test) for column in labels[0].T]
        on_valid = [auroc(scores, truth)[0] for (scores, _), truth in zip(each, labels[1].T, strict=True)]
        known = [value for value in on_valid if np.isfinite(value)]
        tried[strength] = float(np.mean(known)) if known else 0.0, np.stack([scores for _, scores in each], 1)
    best = max(tried, key=lambda strength: tried[strength][0])
    return tried[best][1], best


def ridge(train: np.ndarray, targets: np.ndarray, alpha: float, *others: np.ndarray) -> list[np.ndarray]:
    """Ridge regression: train (n, f), wanted (n,), others (m, f) → predictions (m,) each."""
    from sklearn.linear_model import Ridge

    fitted = Ridge(alpha=alpha).fit(train, targets)
    return [fitted.predict(part) for part in others]


def chosen_ridge(
    parts: tuple[np.ndarray, np.ndarray, np.ndarray], targets: tuple[np.ndarray, np.ndarray], within: float
) -> tuple[np.ndarray, float]:
    """Ridge probe whose alpha puts most of `valid` within a tolerance: → test predictions (n,), alpha."""
    train, valid, test = standardised(*parts)
    tried = {alpha: ridge(train, targets[0], alpha, valid, test) for alpha in RIDGES}
    best = max(tried, key=lambda alpha: float((np.abs(tried[alpha][0] - targets[1]) <= within).mean()))
    return tried[best][1], best


def folds(patients: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Deal patients to `count` folds at random, evenly: (n,) names → (n,) fold numbers; no patient is in two.

    Not by scikit-learn's GroupKFold: it deals the same patients otherwise, and figures in docs/ are of these folds.
    """
    names, index = np.unique(patients, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return (np.argsort(order) % count)[index]
