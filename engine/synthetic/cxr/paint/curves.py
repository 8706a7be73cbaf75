"""Curves drawn on films as tubes and lines: their distance to every pixel, and what they absorb."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator, make_interp_spline
from scipy.ndimage import distance_transform_edt


def spline(points: np.ndarray, step: float = 0.5) -> np.ndarray:
    """Return a smooth curve through points (n, 2) in pixels, sampled every `step` pixels: (m, 2)."""
    lengths = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    at = np.linspace(0, lengths[-1], max(int(lengths[-1] / step), 2))
    if len(points) < 4:
        return np.stack([PchipInterpolator(lengths, points[:, i])(at) for i in range(2)], 1)
    return np.asarray(make_interp_spline(lengths, points, k=3)(at))


def distance(shape: tuple[int, int], curve: np.ndarray, reach: float) -> np.ndarray:
    """Return the distance in pixels (h, w) of every pixel from a densely sampled curve (m, 2) of (row, column).

    Exact below a pixel near the curve; `reach` and more is given as `reach`.
    """
    return nearest(shape, curve, reach)[0]


def nearest(shape: tuple[int, int], curve: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance (h, w) as `distance` does, and the nearest sample (h, w) of the curve, −1 beyond reach."""
    h, w = shape
    far, which = np.full(shape, reach, np.float32), np.full(shape, -1)
    lo = np.maximum(np.floor(curve.min(0) - reach - 1).astype(int), 0)
    hi = np.minimum(np.ceil(curve.max(0) + reach + 2).astype(int), (h, w))
    if (hi <= lo).any():
        return far, which
    size = hi - lo
    hit = np.round(curve - lo).astype(int)
    inside = ((hit >= 0) & (hit < size)).all(1)
    if not inside.any():
        return far, which
    seed, sample = np.ones(size, bool), np.full(size, -1)
    seed[tuple(hit[inside].T)] = False
    sample[tuple(hit[inside].T)] = np.flatnonzero(inside)
    rough, (r, c) = distance_transform_edt(seed, return_indices=True)
    near = rough < reach + 1
    rows, columns = np.nonzero(near)
    first = sample[r[near], c[near]]
    found = np.full(len(rows), np.inf)
    for shift in range(-3, 4):
        there = curve[np.clip(first + shift, 0, len(curve) - 1)] - lo
        found = np.minimum(found, np.hypot(there[:, 0] - rows, there[:, 1] - columns))
    far[lo[0] + rows, lo[1] + columns] = np.minimum(found, reach)
    which[lo[0] + rows, lo[1] + columns] = first
    return far, which


def wire(away: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """Return the path (h, w) in pixels through a solid round wire, from the distance to its axis; its edge is soft."""
    soft = np.sqrt(radius**2 + 0.25)
    return np.asarray(2 * np.sqrt(np.maximum(soft**2 - away**2, 0)), np.float32)


def hollow(away: np.ndarray, radius: float, wall: float) -> np.ndarray:
    """Return the path in pixels through the wall of a round tube."""
    return wire(away, radius) - wire(away, max(radius - wall, 0.01))
