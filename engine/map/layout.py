"""Embeddings → points of a map: exact neighbours, then t-SNE by openTSNE, the same for the same input.

A map shows neighbourhoods, never distances (van der Maaten & Hinton 2008). One thread works, so that sums are taken in
the same order every time and the other processors stay free.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

PERPLEXITY, SEED = 30, 0
EARLY, LATE = 250, 500  # iterations with and without exaggeration (Belkina et al. 2019)
EXAGGERATION = 12.0
FFT_FROM = 3000  # points from which interpolation is faster than the tree (Linderman et al. 2019)
BLOCK = 1024  # rows whose neighbours are searched at once
PROGRESS_EVERY = 25  # iterations between two words on progress

OnProgress = Callable[[str, float], None]  # name of the step, share of it that is done


def silent(step: str, done: float) -> None:
    """Say nothing about progress."""


def nearest(
    z: np.ndarray, k: int, on_progress: OnProgress = silent, among: np.ndarray | None = None
) -> tuple[np.ndarray, ...]:
    """Return every entry's k nearest others by cosine, nearest first: (n, f) → (n, k) int64, (n, k) 1 − cosine.

    among : entries (m, f) to search instead of z itself, e.g. to place something new; then nothing is left out
    """
    z = _unit(z)
    field = z if among is None else _unit(among)
    indices, far = np.empty((len(z), k), np.int64), np.empty((len(z), k))
    for start in range(0, len(z), BLOCK):
        rows = slice(start, min(start + BLOCK, len(z)))
        away = 1.0 - z[rows] @ field.T
        if among is None:
            away[np.arange(away.shape[0]), np.arange(rows.start, rows.stop)] = np.inf
        indices[rows], far[rows] = _lowest(away, k)
        on_progress("neighbours", rows.stop / len(z))
    return indices, np.maximum(far, 0.0)


def t_sne(z: np.ndarray, seed: int = SEED, on_progress: OnProgress = silent) -> np.ndarray:
    """Return a map of at least four embeddings: (n, f) → (n, 2)."""
    from openTSNE import TSNEEmbedding, affinity, initialization
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    perplexity = min(PERPLEXITY, max(2, (len(z) - 1) // 3))
    neighbours = nearest(z, min(len(z) - 1, 3 * perplexity), on_progress)
    likeness = affinity.PerplexityBasedNN(knn_index=PrecomputedNeighbors(*neighbours), perplexity=perplexity)
    start = initialization.pca(_unit(z), random_state=seed)
    method = "fft" if len(z) >= FFT_FROM else "bh"
    points = TSNEEmbedding(start, likeness, negative_gradient_method=method, random_state=seed, n_jobs=1)
    for name, rounds, more in (("rough", EARLY, {"exaggeration": EXAGGERATION, "momentum": 0.5}), ("fine", LATE, {})):
        points = points.optimize(rounds, **_callbacks(name, rounds, on_progress), **more)
    return np.asarray(points)


def _callbacks(name: str, rounds: int, on_progress: OnProgress) -> dict[str, object]:
    """Return the options of openTSNE that pass progress on."""

    def report(iteration: int, error: float, points: np.ndarray) -> None:
        on_progress(name, iteration / rounds)

    return {"callbacks": [report], "callbacks_every_iters": PROGRESS_EVERY}


def _lowest(away: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices and values of the k lowest of every row, lowest first; ties go to the first index."""
    some = np.sort(np.argpartition(away, k - 1, axis=1)[:, :k], axis=1)
    values = np.take_along_axis(away, some, axis=1)
    order = np.argsort(values, axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1), np.take_along_axis(values, order, axis=1)


def _unit(z: np.ndarray) -> np.ndarray:
    z = np.asarray(z, np.float32)
    return z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
