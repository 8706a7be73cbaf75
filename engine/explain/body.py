"""Which part of a film is the patient: not air, not the collimator's edge, not a marker.

Thresholds and morphology alone, so it is rough, and used for one number: the share of a map that lies outside.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SIDE = 256  # pixels of the longer side that it works on
DARK = 0.42  # of Otsu's threshold: soft tissue under a thin exposure is still the patient
FLAT = 0.01  # spread of greys, of 1, below which a row or column at the edge is no picture
GREYS = (0.5, 99.95)  # percentiles that become 0 and 1
LEAST = 0.15  # of the film; a smaller patient is none, and the film counts as a whole
FRAME = 0.13  # of either side, where markers lie
MARKER = (0.0002, 0.012)  # smallest and largest area of a marker, of the film
MARKER_STEP = 0.30  # by how much of the greys a marker stands out from what is round it


def body_mask(pixels: np.ndarray) -> np.ndarray:
    """Return where the patient is on a film (h, w) of any depth, air dark: (h, w) bool."""
    grey = _small(pixels)
    inside = _picture(grey)
    smooth = ndimage.gaussian_filter(grey, 1.5)
    bright = (smooth > DARK * _otsu(smooth[inside])) & inside & ~_markers(grey)
    bright = ndimage.binary_opening(bright, iterations=2)
    named, count = ndimage.label(bright)
    if not count:
        return np.ones(pixels.shape, bool)
    sizes = ndimage.sum_labels(bright, named, np.arange(1, count + 1))
    body = named == 1 + int(np.argmax(sizes))
    body = _filled(ndimage.binary_closing(np.pad(body, 12), iterations=12)[12:-12, 12:-12]) & inside & ~_markers(grey)
    if body.mean() < LEAST:
        return np.ones(pixels.shape, bool)
    rows, columns = (np.arange(n) * m // n for n, m in zip(pixels.shape, grey.shape, strict=True))
    return np.asarray(body[np.ix_(rows, columns)])


def share_outside(values: np.ndarray, body: np.ndarray) -> float:
    """Return the share of a map's |values| that lies outside the body, 0..1; both (h, w)."""
    size = np.abs(values)
    return float(size[~body].sum() / max(float(size.sum()), 1e-12))


def _small(pixels: np.ndarray) -> np.ndarray:
    """Return the film as float32 in 0..1, at most SIDE pixels long; what is whiter than the patient stays whiter."""
    from PIL import Image

    scale = min(1.0, SIDE / max(pixels.shape))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = np.asarray(Image.fromarray(pixels.astype(np.float32)).resize(size, Image.Resampling.BOX))
    low, high = np.percentile(small, GREYS)
    return np.clip((small - low) / max(float(high - low), 1e-6), 0, 1)


def _otsu(values: np.ndarray) -> float:
    """Return the grey that parts values into the two most different groups (Otsu, IEEE Trans SMC 1979)."""
    counts, edges = np.histogram(values, 128, (0, 1))
    middles, below = (edges[:-1] + edges[1:]) / 2, np.cumsum(counts)
    above, total = below[-1] - below, np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(middles[int(np.nanargmax(apart))]) if np.isfinite(apart).any() else 0.0


def _picture(grey: np.ndarray) -> np.ndarray:
    """Return the film without rows and columns of one grey at its edges, as a collimator or a scanner leaves them."""
    inside = np.zeros(grey.shape, bool)
    alive = [np.flatnonzero(grey.std(axis=axis) > FLAT) for axis in (1, 0)]
    if not all(len(one) for one in alive):
        return ~inside
    inside[alive[0][0] : alive[0][-1] + 1, alive[1][0] : alive[1][-1] + 1] = True
    return inside


def _markers(grey: np.ndarray) -> np.ndarray:
    """Return small bright marks with sharp edges near the film's edges: letters, clips of paper, numbers."""
    width = max(5, round(0.07 * max(grey.shape)))
    around = ndimage.grey_opening(grey, (width, width))
    named, count = ndimage.label(ndimage.binary_dilation(grey - around > MARKER_STEP, iterations=1))
    out = np.zeros(grey.shape, bool)
    for number, where in enumerate(ndimage.find_objects(named), start=1):
        middle = [(part.start + part.stop) / 2 / n for part, n in zip(where, grey.shape, strict=True)]
        near_edge = any(not FRAME < place < 1 - FRAME for place in middle)
        area = int((named[where] == number).sum()) / grey.size
        if near_edge and MARKER[0] < area < MARKER[1]:
            out |= named == number
    return ndimage.binary_dilation(out, iterations=2) if count else out


def _filled(body: np.ndarray) -> np.ndarray:
    """Return the body with its lungs: holes, and what lies between body parts of one row."""
    out = ndimage.binary_fill_holes(body)
    reached = np.maximum.accumulate(out, axis=1) & np.maximum.accumulate(out[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(out | reached)
