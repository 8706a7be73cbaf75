"""Realism in feature space: can synthetic studies be told from real ones, and do they cover them?

Two-sample classifier (Lopez-Paz & Oquab 2017, arXiv 1610.06545), kernel distance (Bińkowski et al. 2018, arXiv
1801.01401, eq. 4 with k(x, y) = (x·y / d + 1)³), precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991).
Features are standardised beforehand by the real training studies and cut at CUT deviations: figures of different
encoders then compare, and no single odd study rules a cubic kernel. Two samples matched by label can score below 0.5,
since what one fold holds too much of, the others lack: read every figure beside the real–real one, matched likewise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.synthetic.checks.fidelity import auroc, bootstrap_aurocs, interval

FOLDS, STRENGTH = 5, 1e-3  # of the two-sample classifier; C is fixed: nothing is chosen on what is measured
NEIGHBOURS = 3  # k of precision and recall
SUBSETS = 100  # halves of each side from which the kernel distance's interval is read

CUT = 5.0  # deviations

Figures = dict[str, float]


def standardise(reference: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Return every (n, f) array with the reference's mean removed, divided by its deviation and cut at ±CUT."""
    mean, deviation = reference.mean(0), reference.std(0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    return [np.clip((x - mean) / deviation, -CUT, CUT).astype(np.float64) for x in others]


def two_sample(a: np.ndarray, b: np.ndarray, patients: Sequence[str], seed: int = 0) -> Figures:
    """Return the area under the ROC curve of a classifier that tells a (n, f) from b (m, f), folds by patient.

    patients (n + m,): those of a, then of b. 0.5: not to be told apart; 1: told apart always. The interval comes from
    resampling patients' held-out scores, the classifiers kept. NaN where a side has fewer than two patients.
    """
    sides = len(set(patients[: len(a)])), len(set(patients[len(a) :]))
    if min(sides) < 2:
        return {"value": float("nan"), "low": float("nan"), "high": float("nan"), "n": len(a) + len(b)}
    x, held = np.concatenate([a, b]), np.repeat([True, False], [len(a), len(b)])
    scores = _held_out(x, held, np.asarray(patients), min(FOLDS, *sides), seed)
    low, high = interval(bootstrap_aurocs(scores, held, patients, seed))
    return {"value": auroc(scores, held), "low": low, "high": high, "n": len(x)}


def _held_out(x: np.ndarray, from_a: np.ndarray, patients: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return each row's log-odds of being from a, by a classifier that saw no study of its patient, (n,)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    scores = np.zeros(len(x))
    for learn, read in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(x, from_a, patients):
        scaled, rest = standardise(x[learn], x[learn], x[read])
        model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300, tol=1e-3)
        scores[read] = model.fit(scaled, from_a[learn]).decision_function(rest)
    return scores


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return k(x, y) = (x·y / d + 1)³ for rows of a (n, d) and b (m, d): (n, m)."""
    return (a @ b.T / a.shape[1] + 1) ** 3


def kid_of(aa: np.ndarray, bb: np.ndarray, ab: np.ndarray) -> float:
    """Return the unbiased squared MMD from kernel matrices (n, n), (m, m), (n, m); may be slightly negative."""
    n, m = len(aa), len(bb)
    within = (aa.sum() - np.trace(aa)) / (n * (n - 1)) + (bb.sum() - np.trace(bb)) / (m * (m - 1))
    return float(within - 2 * ab.mean())


def kid(a: np.ndarray, b: np.ndarray, seed: int = 0) -> Figures:
    """Return the kernel distance of a (n, d) and b (m, d), and the middle 95 % of it over random halves of each."""
    aa, bb, ab = kernel(a, a), kernel(b, b), kernel(a, b)
    rng, found = np.random.default_rng(seed), []
    for _ in range(SUBSETS):
        i, j = (rng.choice(n, max(2, n // 2), replace=False) for n in (len(a), len(b)))
        found.append(kid_of(aa[np.ix_(i, i)], bb[np.ix_(j, j)], ab[np.ix_(i, j)]))
    low, high = interval(np.array(found))
    return {"value": kid_of(aa, bb, ab), "low": low, "high": high, "n": len(a) + len(b)}


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Euclidean distances of rows: (n, d), (m, d) → (n, m)."""
    square = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(square, 0))


def covered(points: np.ndarray, manifold: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """Say which points lie within the k-th neighbour's distance of any manifold point: (n, d), (m, d) → (n,) bool."""
    own = distances(manifold, manifold)
    np.fill_diagonal(own, np.inf)
    radius = np.partition(own, k - 1, axis=1)[:, k - 1]
    return np.asarray((distances(points, manifold) <= radius[None]).any(1))


def precision_recall(real: np.ndarray, ours: np.ndarray) -> Figures:
    """Return precision (share of ours inside the real manifold) and recall (the reverse): (n, d), (m, d)."""
    return {"precision": float(covered(ours, real).mean()), "recall": float(covered(real, ours).mean())}


def match_labels(
    wanted: Sequence[frozenset[str]], offered: Sequence[frozenset[str]], rng: np.random.Generator
) -> np.ndarray:
    """Choose for each wanted label set the offered study that shares most labels (Jaccard), each study once.

    Ties are drawn. Returns numbers into `offered`, (min(n, m),); wanted sets are served in random order.
    """
    free = list(rng.permutation(len(offered)))
    chosen = []
    for i in rng.permutation(len(wanted)):
        if not free:
            break
        shares = [len(wanted[i] & offered[j]) / max(1, len(wanted[i] | offered[j])) for j in free]
        chosen.append(free.pop(int(np.argmax(shares))))
    return np.array(chosen, int)
