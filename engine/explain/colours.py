"""One signed colour scale for films and traces: blue lowers, red-brown raises, nothing at zero is transparent.

The map is Crameri's "vik" (Crameri et al., Nat Commun 2020): perceptually even and readable with every common form of
colour blindness; red and green never stand against each other.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

RAISES, LOWERS = "raises the similarity", "lowers the similarity"
UNIT = "share of the total change in similarity"
LIMIT_PERCENTILE = 99.0  # of |value|: one bright pixel must not fade the rest
OPACITY = 0.6  # of the strongest colour, unless the viewer chooses


@lru_cache(maxsize=1)
def scale() -> np.ndarray:
    """Return vik as (256, 3) floats in 0..1; row 0 is the strongest lowering, row 255 the strongest raising."""
    from cmcrameri import cm

    return np.asarray(cm.vik(np.linspace(0, 1, 256))[:, :3])


def symmetric_limit(values: np.ndarray) -> float:
    """Return the 99th percentile of |values| that are not zero, so that 0 lies in the middle; never 0."""
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.percentile(size, LIMIT_PERCENTILE)) if size.size else 1.0


def colour(values: np.ndarray, limit: float) -> np.ndarray:
    """Return (…, 3) colours in 0..1 of values clipped to ±limit."""
    share = np.clip(values / limit, -1, 1)
    return scale()[np.round((share + 1) * 127.5).astype(int)]


def strength(values: np.ndarray, limit: float) -> np.ndarray:
    """Return how opaque each value is drawn, 0..1: 0 at zero, 1 from the limit on, faint values held back."""
    share = np.clip(np.abs(values) / limit, 0, 1)
    return share**0.8


def plotly_scale(entries: int = 32) -> list[tuple[float, str]]:
    """Return vik as a plotly colour scale: (position 0..1, "rgb(r,g,b)") pairs."""
    rows = np.linspace(0, 255, entries).round().astype(int)
    return [(float(i / (entries - 1)), "rgb({},{},{})".format(*(scale()[row] * 255).round().astype(int)))
            for i, row in enumerate(rows)]
