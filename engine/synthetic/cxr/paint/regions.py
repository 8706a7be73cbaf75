"""Masks as polygons in fractions of the film; engine.reference has the way back."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from engine.synthetic.cxr.paint.finding import Polygon

MIN_PART = 0.04  # of a mask's area: smaller parts are left out
FINE = 0.0025  # of the film, by which a simplified outline may err
MAX_CORNERS = 120


def polygons_of(mask: np.ndarray) -> tuple[Polygon, ...]:
    """Return the outlines of a mask (h, w), the largest part first, as (x, y) in fractions; holes are filled."""
    from contourpy import contour_generator

    parts, n = ndimage.label(mask)
    found = []
    for part in range(1, n + 1):
        alone = ndimage.binary_fill_holes(parts == part)
        if alone.sum() >= MIN_PART * mask.sum():
            lines = [np.asarray(x) for x in contour_generator(z=np.pad(alone, 1).astype(float)).lines(0.5)]
            outline = max(lines, key=len) - 0.5
            found.append((int(alone.sum()), _simple(outline / [mask.shape[1], mask.shape[0]])))
    return tuple(polygon for _, polygon in sorted(found, key=lambda one: -one[0]))


def _simple(outline: np.ndarray) -> Polygon:
    """Return a closed outline (n, 2) with as few corners as FINE allows (Douglas and Peucker 1973)."""
    keep = np.zeros(len(outline), bool)
    keep[[0, len(outline) // 2, -1]] = True
    spans = [(0, len(outline) // 2), (len(outline) // 2, len(outline) - 1)]
    while spans:
        a, b = spans.pop()
        if b - a < 2:
            continue
        along = outline[b] - outline[a]
        inner = outline[a + 1 : b] - outline[a]
        length = max(float(np.hypot(*along)), 1e-9)
        away = np.abs(along[0] * inner[:, 1] - along[1] * inner[:, 0]) / length
        if away.max() > FINE:
            middle = a + 1 + int(away.argmax())
            keep[middle] = True
            spans += [(a, middle), (middle, b)]
    corners = outline[keep][:-1]
    corners = corners[:: -(-len(corners) // MAX_CORNERS)]
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in corners)
