"""Windows on a film's greys, from its full bit depth. A window is (centre, width) in per cent of the full scale."""

from __future__ import annotations

import numpy as np
from PIL import Image

from engine.study import Film

# name → percentiles of the film's own greys that become black and white; None is the whole scale
PRESETS: dict[str, tuple[float, float] | None] = {
    "full": None,
    "auto": (1.0, 99.0),
    "dark": (1.0, 60.0),
    "middle": (30.0, 90.0),
    "bright": (60.0, 99.8),
}
MIN_WIDTH = 1.0  # per cent of the full scale
Window = tuple[float, float]


def histogram(film: Film) -> np.ndarray:
    """Return how often each grey occurs, (2**bits,) int; black is left out, as it fills what was not exposed."""
    counts = np.bincount(film.pixels.ravel(), minlength=2**film.bits)
    counts[0] = 0
    return counts


def preset(counts: np.ndarray, name: str) -> Window:
    """Return the window of a preset for a film with that histogram."""
    shares = PRESETS[name]
    if shares is None or counts.sum() == 0:
        return 50.0, 100.0
    grown, top = np.cumsum(counts) / counts.sum(), counts.size - 1
    low, high = (100.0 * float(np.searchsorted(grown, share / 100)) / top for share in shares)
    width = max(high - low, MIN_WIDTH)
    return round((low + high) / 2, 1), round(width, 1)


def ends(window: Window, bits: int) -> tuple[int, int]:
    """Return the greys that become black and white."""
    top, (centre, width) = 2**bits - 1, window
    return round((centre - width / 2) / 100 * top), round((centre + width / 2) / 100 * top)


def scaled(film: Film, max_px: int | None) -> np.ndarray:
    """Return the film at full depth, (h, w) float32, its longer side at most `max_px` pixels; None keeps them all."""
    pixels = np.asarray(film.pixels)
    if max_px is None or max(pixels.shape) <= max_px:
        return pixels.astype(np.float32)
    image = Image.fromarray(pixels.astype(np.float32))
    image.thumbnail((max_px, max_px), Image.Resampling.LANCZOS)
    return np.asarray(image)


def shown(pixels: np.ndarray, bits: int, window: Window, inverted: bool) -> np.ndarray:
    """Return (h, w) uint8 through the window. pixels : (h, w) float32 in 0..2**bits - 1."""
    low, high = ends(window, bits)
    grey = (pixels - low) * np.float32(255 / max(high - low, 1))
    eight = np.rint(np.clip(grey, 0, 255)).astype(np.uint8)
    return 255 - eight if inverted else eight
