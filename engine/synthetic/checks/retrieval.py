"""Is an encounter's own study found among all of the cohort: ranks by the release's embeddings and codes.

Film and ECG of one invented patient agree through their shared labels only, not through a shared body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.metrics.resampling import measured_mean

PERMUTATIONS = 200
MODALITY_PAIRS = (
    ("cxr", "ecg"),
    ("ecg", "cxr"),
    ("ppg", "ecg"),
    ("ecg", "ppg"),
    ("text", "cxr"),
    ("text", "ecg"),
    ("text", "ppg"),
)
METRICS = ("top_1_percent", "r_at_10", "mrr", "rank_percentile")


def own_ranks(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the rank of each query's best own study: scores (q, g) higher is nearer, own (q, g) bool → (q,) float.

    Studies tied with it take half a place each, so that no order among ties helps.
    """
    best = np.where(own, scores, -np.inf).max(1, keepdims=True)
    ties = ((scores == best) & ~own).sum(1)
    return 1 + ((scores > best) & ~own).sum(1) + ties / 2


def metrics(ranks: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """Return per query: within the top 1 % (at least 1), within 10, 1 / rank, and rank percentile (0 best, 0.5 chance).

    ranks (q,) among n studies.
    """
    top = max(1, int(np.ceil(n / 100)))
    values = (ranks <= top, ranks <= 10, 1 / ranks, (ranks - 1) / max(n - 1, 1))
    return {name: np.asarray(value, float) for name, value in zip(METRICS, values, strict=True)}


def own_study(
    scores: np.ndarray,
    query_encounters: Sequence[str],
    gallery_encounters: Sequence[str],
    patients: Sequence[str],
    seed: int = 0,
) -> dict[str, Any]:
    """Return each metric with its interval by patient, beside chance with its interval over permutations.

    asking (q,), offered (g,): encounters; patients (q,): of the queries. Queries without own study are left out.
    """
    a, b = np.asarray(query_encounters), np.asarray(gallery_encounters)
    kept = np.isin(a, b)
    own, scores, n = (a[:, None] == b[None])[kept], scores[kept], len(b)
    if not kept.any():
        return {"n": 0}
    found = metrics(own_ranks(scores, own), n)
    rng = np.random.default_rng(seed)
    draws = [metrics(own_ranks(scores, own[:, rng.permutation(n)]), n) for _ in range(PERMUTATIONS)]
    out: dict[str, Any] = {"n": int(kept.sum()), "gallery": n}
    for name in METRICS:
        luck = np.array([draw[name].mean() for draw in draws])
        low, high = np.percentile(luck, [2.5, 97.5])
        chance = {"value": float(luck.mean()), "low": float(low), "high": float(high)}
        out[name] = {**measured_mean(found[name], list(np.asarray(patients)[kept])).as_dict(), "chance": chance}
    return out
