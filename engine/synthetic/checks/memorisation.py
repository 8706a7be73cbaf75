"""Nearest training recordings: is a synthetic study nearer to one than real, unseen recordings are?

Distances to the nearest `train` recording are held against the 1st percentile of those of real `test` recordings of the
same population (as in Meehan et al. 2020, arXiv 2004.05675, with one sided percentile in place of a rank test). All
vectors are of length 1, so that a distance √(2 − 2·cosine) is 0 for the same picture and √2 for unrelated ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

COMPARED_PX = 64  # pixels of a film's side when compared
MAX_SHIFT = 3  # pixels of the small picture, and samples of a beat, that two recordings may be shifted by
PERCENTILE = 1.0


def unit(x: np.ndarray) -> np.ndarray:
    """Return rows (n, d) without mean and of length 1; a constant row stays 0."""
    centred = x - x.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return (centred / np.where(length > 1e-9, length, 1.0)).astype(np.float32)


def downscaled(films: np.ndarray) -> np.ndarray:
    """Prepared films (n, 224, 224) uint8 → (n, 64, 64) uint8, by area."""
    from PIL import Image

    size, way = (COMPARED_PX, COMPARED_PX), Image.Resampling.BOX
    made = [np.asarray(Image.fromarray(film).resize(size, way)) for film in films]
    return np.stack(made) if made else np.zeros((0, COMPARED_PX, COMPARED_PX), np.uint8)


def film_cosines(queries: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Small films (q, 64, 64), (t, 64, 64) → best cosine over shifts of up to REACH pixels each way, (q, t)."""
    inner = COMPARED_PX - 2 * MAX_SHIFT
    middle = unit(
        targets[:, MAX_SHIFT : MAX_SHIFT + inner, MAX_SHIFT : MAX_SHIFT + inner]
        .reshape(len(targets), -1)
        .astype(np.float32)
    )
    best = np.full((len(queries), len(targets)), -1.0, np.float32)
    for dy in range(2 * MAX_SHIFT + 1):
        for dx in range(2 * MAX_SHIFT + 1):
            moved = queries[:, dy : dy + inner, dx : dx + inner].reshape(len(queries), -1).astype(np.float32)
            np.maximum(best, unit(moved) @ middle.T, out=best)
    return best


def feature_cosines(queries: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Features (q, f), (t, f) → cosines after standardising by the targets, (q, t)."""
    mean, deviation = targets.mean(0), targets.std(0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    rows = [(x - mean) / deviation for x in (queries, targets)]
    a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in rows)
    return np.asarray(a @ b.T, np.float32)


def nearest(cosines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each query's distance √(2 − 2·cosine) to its nearest target and that target's number, (q,) each."""
    index = cosines.argmax(1)
    best = np.take_along_axis(cosines, index[:, None], 1)[:, 0].astype(np.float64)
    return np.sqrt(np.clip(2 - 2 * best, 0, None)), index


def verdict(ours: np.ndarray, real: np.ndarray, ids: np.ndarray) -> dict[str, Any]:
    """Hold synthetic nearest distances (n,) against those of real `test` studies (m,); ids (n,) name the former."""
    limit = float(np.percentile(real, PERCENTILE))
    below = ours < limit
    return {
        "limit": limit,
        "below": int(below.sum()),
        "share_below": float(below.mean()),
        "which": sorted(map(str, ids[below])),
        "n": len(ours),
        "n_real": len(real),
        "synthetic": spread(ours),
        "real": spread(real),
    }


def spread(distances: np.ndarray) -> dict[str, float]:
    """Return minimum, 1st, 5th and 50th percentile."""
    low, one, five, half = np.percentile(distances, [0, 1, 5, 50])
    return {"minimum": float(low), "p1": float(one), "p5": float(five), "median": float(half)}
