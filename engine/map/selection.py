"""Choosing studies on a map: what lies in a lasso or a box, what passes filters, what is nearest to a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from engine.errors import UsageError, brief
from engine.map.points import Points


def inside(points: Points, xs: Sequence[float], ys: Sequence[float]) -> np.ndarray:
    """Return the indices of the points within a closed outline, in map coordinates, by the rule of odd crossings."""
    from matplotlib.path import Path

    if len(xs) < 3:
        return np.empty(0, np.int64)
    outline = Path(np.column_stack([xs, ys]), closed=False)
    return np.flatnonzero(outline.contains_points(points.xy))


def in_box(points: Points, xs: Sequence[float], ys: Sequence[float]) -> np.ndarray:
    """Return the indices of the points between the lowest and the highest x and y."""
    x, y = points.xy.T
    return np.flatnonzero((x >= min(xs)) & (x <= max(xs)) & (y >= min(ys)) & (y <= max(ys)))


def passing(points: Points, modalities: Sequence[str] = (), findings: Sequence[str] = ()) -> np.ndarray:
    """Return the indices of the points of any of these modalities and with any of these findings; empty is any."""
    passes = np.ones(len(points.ids), bool)
    if modalities:
        passes &= np.isin(points.modality.astype(str), list(modalities))
    if findings:
        wanted = set(findings)
        passes &= np.array([bool(names & wanted) for names in points.findings], bool)
    return np.flatnonzero(passes)


def nearest_points(points: Points, study_id: str, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the k points nearest to a study on the map, and their distances there, nearest first."""
    index = points.index_of.get(study_id.strip())
    if index is None:
        raise UsageError(f"There is no study {brief(study_id)} on the map: take an id from a result or from the list.")
    away = np.hypot(*(points.xy - points.xy[index]).T)
    away[index] = np.inf
    order = np.argsort(away, kind="stable")[: min(k, len(away) - 1)]
    return order, away[order]


def common_labels(points: Points, indices: np.ndarray, most: int = 3) -> list[str]:
    """Return the labels that most of some studies carry, the most frequent first; each of a tenth of them or more."""
    counts = Counter(label for index in indices for label in points.labels[index])
    return [label for label, n in counts.most_common(most) if n >= len(indices) / 10]
