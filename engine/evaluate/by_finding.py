"""Search by shared finding as array → array functions: pooled figures, and figures in which each finding counts once.

"Normal" dominates collections: a search that always returns normal studies has a high pooled P@5. So every pooled one
stands beside two balanced ones: for each finding, the queries that hold it and the gallery's holders as relevant, then
the mean over findings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.findings import sharing
from engine.metrics.ranking import average_precision_at, chance, precision_at, ranked_relevance
from engine.metrics.resampling import Estimate, draws, grouped_mean, measured, weighted_mean

MIN_HOLDERS = 5  # holders of a finding on either side, for it to count among the balanced figures
CHANCE_DRAWS = 10
BALANCED, BALANCED_AUROC = "balanced mAP@10", "balanced AUROC"


@dataclass(frozen=True)
class RetrievalTask:
    """Who asks whom: held_a (q, f), held_b (g, f) findings, allowed (q, g) bool, patients (q,) of the queries."""

    query_findings: np.ndarray
    gallery_findings: np.ndarray
    allowed: np.ndarray
    patients: np.ndarray

    @property
    def relevant(self) -> np.ndarray:
        """Which pairs share a finding: (q, g) bool."""
        return sharing(self.query_findings, self.gallery_findings)

    @property
    def counted(self) -> np.ndarray:
        """Which findings enter the balanced figures: (f,) bool."""
        return (self.query_findings.sum(0) >= MIN_HOLDERS) & (self.gallery_findings.sum(0) >= MIN_HOLDERS)


def retrieval_task(
    query_findings: np.ndarray, gallery_findings: np.ndarray, patients_a: np.ndarray, patients_b: np.ndarray
) -> RetrievalTask:
    """Pose a question whose queries never meet their own patient."""
    return RetrievalTask(query_findings, gallery_findings, patients_a[:, None] != patients_b[None], patients_a)


def precision_by_finding(scores: np.ndarray, task: RetrievalTask, k: int = 10) -> np.ndarray:
    """AP@k with each finding's holders as relevant: scores (q, g) → (q, f)."""
    numbers = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    nearest = ranked_relevance(scores, numbers, task.allowed, k)  # (q, k) numbers of gallery entries, NaN past the last
    found = task.gallery_findings[np.nan_to_num(nearest).astype(int)] & np.isfinite(nearest)[..., None]  # (q, k, f)
    return np.stack([average_precision_at(column, k) for column in np.moveaxis(found.astype(float), 2, 0)], 1)


def auroc_by_finding(scores: np.ndarray, task: RetrievalTask) -> np.ndarray:
    """AUROC of a query's scores for each finding's holders against the rest: (q, g) → (q, f); NaN without both."""
    from scipy.stats import rankdata

    masked = np.where(task.allowed, scores.astype(np.float64), -np.inf)
    barred = (~task.allowed).sum(1, keepdims=True)
    ranks = np.where(task.allowed, rankdata(masked, axis=1) - barred, 0)
    holds = task.gallery_findings.astype(np.float64)
    positive = task.allowed @ holds
    negative = task.allowed.sum(1, keepdims=True) - positive
    pairs = positive * negative
    return (ranks @ holds - positive * (positive + 1) / 2) / np.where(pairs > 0, pairs, np.nan)


def per_query(scores: np.ndarray, task: RetrievalTask) -> dict[str, np.ndarray]:
    """Return mAP@10 and P@5 (q,), balanced mAP@10 and balanced AUROC (q, f) of each query."""
    found = ranked_relevance(scores, task.relevant, task.allowed, 10)
    return {
        "mAP@10": average_precision_at(found, 10),
        "P@5": precision_at(found, 5),
        BALANCED: precision_by_finding(scores, task),
        BALANCED_AUROC: auroc_by_finding(scores, task),
    }


def average(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the mean of several draws' values per query."""
    return {name: np.mean([part[name] for part in parts], axis=0) for name in parts[0]}


class Evaluator:
    """Turns values per query of one question into figures; every method is judged on the same draws of patients."""

    def __init__(self, task: RetrievalTask) -> None:
        self.task = task
        self.has_relevant = (task.relevant & task.allowed).any(1)
        self.patients = task.patients[self.has_relevant]
        self.groups = (task.query_findings & task.counted)[self.has_relevant]
        self._drawn = draws(self.patients) if self.has_relevant.any() else np.zeros((0, 0))

    def mean(self, values: np.ndarray) -> float:
        """Return the mean over queries that have something relevant."""
        return float(values[self.has_relevant].mean())

    def figure(self, name: str, values: np.ndarray) -> Estimate:
        """Return one metric's figure from values per query, (q,) or (q, f)."""
        mine = values[self.has_relevant]
        if mine.ndim == 1:
            return measured(lambda w: weighted_mean(mine, w), self.patients, self._drawn)
        groups = self.groups & np.isfinite(mine)
        return measured(lambda w: grouped_mean(mine, groups, w), self.patients, self._drawn)

    def figures(self, values: dict[str, np.ndarray]) -> dict[str, Estimate]:
        """Return every metric's figure."""
        return {name: self.figure(name, mine) for name, mine in values.items()}

    def chance(self, seed: int = 0) -> dict[str, float]:
        """Return what random orders give: exact for P@5, 0.5 for AUROC, the mean of several draws for the others."""
        rng = np.random.default_rng(seed)
        random = average([per_query(rng.random(self.task.allowed.shape), self.task) for _ in range(CHANCE_DRAWS)])
        out = {name: self.figure(name, random[name]).value for name in ("mAP@10", BALANCED)}
        exact = chance(self.task.relevant, self.task.allowed)[self.has_relevant]
        return {**out, "P@5": float(exact.mean()), BALANCED_AUROC: 0.5}
