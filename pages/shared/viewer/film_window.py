"""Windows on a film's greys, from its full bit depth. A window is (centre, width) in per cent of the full scale."""

from __future__ import annotations

import numpy as np

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


def windows(film: Film) -> dict[str, dict[str, int]]:
    """Return for each preset the greys of the film that become black (low) and white (high)."""
    counts = histogram(film)
    limits = {name: ends(preset(counts, name), film.bits) for name in PRESETS}
    return {name: {"low": low, "high": high} for name, (low, high) in limits.items()}
