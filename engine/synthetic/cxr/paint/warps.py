"""Smooth displacements of a film: what is enlarged, pressed or pulled aside takes its neighbours with it.

Each returns (2, h, w) pixels as light.moved reads them: the new film at p shows the old one at p + displacement(p).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from engine.synthetic.cxr.paint.anatomy import CARINA, HEART_TOP, Anatomy

MOST_PRESSED = 0.72  # of a lung's width, that a heart may take


def ramp(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 below `low`, 1 above `high`, smooth between (also falling, where high < low)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def compose(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the displacement of `first`, then `second`, on a film."""
    grid = np.indices(first.shape[1:], dtype=np.float32) + second
    return second + np.stack([ndimage.map_coordinates(part, grid, order=1, mode="nearest") for part in first])


def between(columns: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return (h, w): in each row linear between knots (h, k) with values (h, k), 0 beyond the outer ones."""
    rows = [np.interp(columns, k, v, left=0, right=0) for k, v in zip(knots, values, strict=True)]
    return np.asarray(rows, np.float32)


def _field(anatomy: Anatomy, down: np.ndarray | float, right: np.ndarray | float) -> np.ndarray:
    """Return a displacement by how far things move down and to the right; softened, so that no row stands out."""
    shape = anatomy.shape
    parts = [-np.broadcast_to(np.asarray(part, np.float32), shape) for part in (down, right)]
    return np.stack([ndimage.gaussian_filter(part, anatomy.px(1.5)) for part in parts]).astype(np.float32)


def heart_rises(anatomy: Anatomy, right: float, left: float) -> tuple[np.ndarray, np.ndarray]:
    """Return by how many pixels (h,) the heart's right and left border move outwards in each row.

    right, left : shares of the borders' distance to the midline, reached from the heart's middle downwards
    """
    rows = np.arange(anatomy.shape[0], dtype=float)
    low = anatomy.row_at(1.0)
    grows = ramp(rows, anatomy.row_at(CARINA), anatomy.row_at(HEART_TOP + 0.27)) * ramp(rows, low + anatomy.px(60), low)
    a, b = anatomy.right_lung.borders[0], anatomy.left_lung.borders[0]
    (outer_a, outer_b), mid = anatomy.chest_extent, anatomy.midline
    rise_a = np.minimum(right * (mid - a).clip(0) * grows, MOST_PRESSED * (a - outer_a))
    rise_b = np.minimum(left * (b - mid).clip(0) * grows, MOST_PRESSED * (outer_b - b))
    return ndimage.gaussian_filter1d(rise_a, anatomy.px(7)), ndimage.gaussian_filter1d(rise_b, anatomy.px(7))


def heart_width(anatomy: Anatomy, rises: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the width in pixels of a heart whose borders have moved outwards."""
    a, b = anatomy.right_lung.borders[0], anatomy.left_lung.borders[0]
    heart = slice(anatomy.heart_rows[0], anatomy.heart_rows[1] + 1)
    right, left = anatomy.midline - a + rises[0], b + rises[1] - anatomy.midline
    return float(right[heart].max() + left[heart].max())


def widen_heart(anatomy: Anatomy, rises: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the warp that moves the heart's borders outwards; the lungs beside it are pressed together."""
    h, w = anatomy.shape
    (outer_a, outer_b), mid = anatomy.chest_extent, anatomy.midline
    a = ndimage.gaussian_filter1d(anatomy.right_lung.borders[0] - rises[0], anatomy.px(4))
    b = ndimage.gaussian_filter1d(anatomy.left_lung.borders[0] + rises[1], anatomy.px(4))
    knots = np.stack([np.full(h, outer_a), a, mid, b, np.full(h, outer_b)], 1)
    values = np.stack([np.zeros(h), -rises[0], np.zeros(h), rises[1], np.zeros(h)], 1)
    return _field(anatomy, 0.0, between(np.arange(w, dtype=float), np.maximum.accumulate(knots, 1), values))


def shift_mediastinum(anatomy: Anatomy, by: float) -> np.ndarray:
    """Return the warp that moves heart and mediastinum by pixels to the right of the picture (to the left below 0)."""
    h, w = anatomy.shape
    rows = np.arange(h, dtype=float)
    goes = ramp(rows, anatomy.row_at(-0.15), anatomy.row_at(0.35)) * ramp(
        rows, anatomy.row_at(1.0) + anatomy.px(90), anatomy.row_at(0.95)
    )
    (outer_a, outer_b) = anatomy.chest_extent
    a, b = anatomy.right_lung.borders[0] + by * goes, anatomy.left_lung.borders[0] + by * goes
    knots = np.stack([np.full(h, outer_a), a, b, np.full(h, outer_b)], 1)
    values = np.stack([np.zeros(h), by * goes, by * goes, np.zeros(h)], 1)
    return _field(anatomy, 0.0, between(np.arange(w, dtype=float), np.maximum.accumulate(knots, 1), values))


def lower_dome(anatomy: Anatomy, side: str, by: float) -> np.ndarray:
    """Return the warp that moves the middle of a dome down by pixels, up below 0, its outer angle staying."""
    lung = anatomy.lung(side)
    rows = np.arange(anatomy.shape[0], dtype=float)[:, None]
    dome = lung.dome[0]
    goes = ramp(rows, lung.row_at(0.1), dome + by * 0.5) * ramp(rows, dome + abs(by) + anatomy.px(90), dome + abs(by))
    across = np.clip(lung.across, -0.6, 1.0)
    middle = np.where((across > -0.5), np.cos(np.clip((across - 0.35) / 0.75, -1, 1) * np.pi / 2), 0.0)
    return _field(anatomy, by * goes * middle, 0.0)


def deepen_angle(anatomy: Anatomy, side: str, by: float) -> np.ndarray:
    """Return the warp that pulls a costophrenic angle down by pixels."""
    row, column = anatomy.lung(side).angle
    rows, columns = np.indices(anatomy.shape, dtype=np.float32)
    reach = anatomy.px(42)
    below = np.maximum(rows - row - by, 0)
    near = np.exp(-(((columns - column) / reach) ** 2)) * np.exp(-((below / anatomy.px(70)) ** 2))
    return _field(anatomy, by * near * ramp(rows, row - anatomy.px(110), row), 0.0)
