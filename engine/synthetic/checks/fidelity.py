"""Label fidelity: does a classifier trained on real recordings read the intended label from synthetic studies?

Per label a logistic regression on standardised features, positives and negatives weighted alike, learnt on real
`train`; its strength of regularisation is the one with the best mean area on `valid`. The area under the ROC curve on
real `test` stands beside the one on synthetic studies (training on real, testing on synthetic, as in Esteban et al.
2017, arXiv 1706.02633). Labels are positive-only: negatives are the studies without the label, on either side without
those that carry a label which `train` holds too rarely to be learnt: what a reader never saw is no fair negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.synthetic.checks.group import Group

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # scikit-learn's C
MIN_EXAMPLES = 5  # positives and negatives that a label needs on either side
MARGIN = 0.05  # area that a kept label may lose, and beyond which it is called easier than real
RESAMPLES = 1000  # bootstrap


@dataclass(frozen=True, eq=False)
class Reader:
    """Logistic regressions of several labels on one feature space: score = ((x − mean) / deviation) · weights."""

    labels: tuple[str, ...]
    strength: float
    mean: np.ndarray  # (f,)
    deviation: np.ndarray  # (f,)
    weights: np.ndarray  # (f, labels)

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Features (n, f) → scores (n, labels); higher is more like the label. Intercepts are left out."""
        return ((x - self.mean) / self.deviation) @ self.weights


def auroc(scores: np.ndarray, has_label: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the area under the ROC curve: the chance that a positive scores above a negative, ties half.

    scores, held (n,); weights (n,) count each study so many times. NaN without positives or negatives.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    _, level = np.unique(scores, return_inverse=True)
    positive, negative = np.bincount(level, weights * has_label), np.bincount(level, weights * ~has_label)
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs else float("nan")


def bootstrap_aurocs(scores: np.ndarray, has_label: np.ndarray, patients: Sequence[str], seed: int) -> np.ndarray:
    """Return the areas of ROUNDS resamples of patients with replacement, (ROUNDS,); NaN where one side is empty."""
    names, index = np.unique(np.asarray(patients), return_inverse=True)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    return np.array([auroc(scores, has_label, row[index].astype(float)) for row in counts])


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile, NaN left out."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def learn(train: Group, valid: Group, space: str, labels: Sequence[str]) -> Reader:
    """Fit one regression per label on `train`; C is chosen on `valid` by the mean area over labels."""
    if not labels:
        return Reader((), STRENGTHS[0], np.zeros(1), np.ones(1), np.zeros((1, 0)))
    x, y = train.spaces[space].astype(np.float64), valid.spaces[space].astype(np.float64)
    mean, deviation = x.mean(0), x.std(0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    x, y = (x - mean) / deviation, (y - mean) / deviation
    fits = [np.array([_weights(x, train.has_label(label), strength) for label in labels]).T for strength in STRENGTHS]
    areas = [[auroc(y @ w[:, i], valid.has_label(label)) for i, label in enumerate(labels)] for w in fits]
    means = [float(np.nanmean(a)) if not np.all(np.isnan(a)) else 0.5 for a in areas]
    best = int(np.argmax(means))
    return Reader(tuple(labels), STRENGTHS[best], mean, deviation, fits[best])


def _weights(x: np.ndarray, has_label: np.ndarray, strength: float) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=300, tol=1e-3)
    return model.fit(x, has_label).coef_[0]


def readable(train: Group) -> tuple[str, ...]:
    """Return the labels with enough positives and negatives in `train` to learn, sorted."""
    names = sorted(set().union(*train.labels)) if len(train) else []
    return tuple(name for name in names if MIN_EXAMPLES <= train.has_label(name).sum() <= len(train) - MIN_EXAMPLES)


def side(scores: np.ndarray, group: Group, label: str, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return one side's area with its interval and counts, and the resampled areas."""
    held = group.has_label(label)
    draws = bootstrap_aurocs(scores, held, list(group.patients), seed)
    low, high = interval(draws)
    figure = {"auroc": auroc(scores, held), "low": low, "high": high}
    return {**figure, "positives": int(held.sum()), "negatives": int((~held).sum())}, draws


def compare(reader: Reader, test: Group, synthetic: Group, space: str, label: str) -> dict[str, Any]:
    """Return one label's row: real, synthetic, their difference with its interval, and the verdict."""
    if label not in reader.labels:
        count = int(synthetic.has_label(label).sum())
        return {"label": label, "verdict": "no real training studies", "synthetic": {"positives": count}}
    column = reader.labels.index(label)
    groups = [fair(group, reader, label) for group in (test, synthetic)]
    sides = [(reader.scores(g.spaces[space])[:, column], g) for g in groups]
    (real, a), (ours, b) = (side(scores, g, label, seed) for seed, (scores, g) in enumerate(sides))
    low, high = interval(b - a)
    row: dict[str, Any] = {"label": label, "real": real, "synthetic": ours}
    row["difference"] = {"value": ours["auroc"] - real["auroc"], "low": low, "high": high}
    return row | {"verdict": verdict(real, ours)}


def fair(group: Group, reader: Reader, label: str) -> Group:
    """Return the studies with the label, and those all of whose labels the reader has learnt.

    An attribute, such as "(view AP)", is known of every study.
    """
    if label.startswith("("):
        return group
    learnt = frozenset(reader.labels)
    return group.take(np.array([label in held or held <= learnt for held in group.labels], bool))


def verdict(real: dict[str, Any], ours: dict[str, Any]) -> str:
    """Return "kept", "kept, easier than real", "dropped" or "too few"."""
    if min(real["positives"], real["negatives"], ours["positives"], ours["negatives"]) < MIN_EXAMPLES:
        return "too few"
    difference = ours["auroc"] - real["auroc"]
    if difference < -MARGIN:
        return "dropped"
    return "kept, easier than real" if difference > MARGIN else "kept"


def fidelity(reader: Reader, test: Group, synthetic: Group, space: str) -> list[dict[str, Any]]:
    """Return a row for every label that is readable or intended, in alphabetical order; none without test studies."""
    if not len(test):
        return []
    names = sorted(set(reader.labels) | set().union(*synthetic.labels))
    return [compare(reader, test, synthetic, space, name) for name in names]
