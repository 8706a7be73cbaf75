"""One signed colour scale for films and traces: blue lowers, orange-brown raises, nothing at zero is transparent.

The map is Crameri's "vik" (Crameri et al., Nat Commun 2020): perceptually even and readable with every common form of
colour blindness; red and green never stand against each other.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

RAISES, LOWERS = "raises the similarity", "lowers the similarity"
LIMIT_PERCENTILE = 99.0  # of |value|: one bright pixel must not fade the rest
OPACITY = 0.6  # of the strongest colour, unless the viewer chooses
# The parts of vik in use, from strongest lowering to strongest raising. Its ends are nearly black and its middle nearly
# white: what lies between has a contrast of 3 : 1 and more (WCAG 2.2, 1.4.11) with films' black and with either paper.
# Size shows as opacity and width, so zero is transparent.
LOWER_PART, RAISE_PART = (0.22, 0.30), (0.72, 0.80)
ENTRIES = 256


@lru_cache(maxsize=1)
def colour_scale() -> np.ndarray:
    """Return the scale as (256, 3) floats in 0..1; row 0 is the strongest lowering, row 255 the strongest raising."""
    from cmcrameri import cm

    positions = np.concatenate([np.linspace(*LOWER_PART, ENTRIES // 2), np.linspace(*RAISE_PART, ENTRIES // 2)])
    return np.asarray(cm.vik(positions)[:, :3])


def symmetric_limit(values: np.ndarray) -> float:
    """Return the 99th percentile of |values| that are not zero, so that 0 lies in the middle; never 0."""
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.percentile(size, LIMIT_PERCENTILE)) if size.size else 1.0


def colour(values: np.ndarray, limit: float) -> np.ndarray:
    """Return (…, 3) colours in 0..1 of values clipped to ±limit."""
    share = np.clip(values / limit, -1, 1)
    return colour_scale()[np.round((share + 1) / 2 * (ENTRIES - 1)).astype(int)]


def strength(values: np.ndarray, limit: float) -> np.ndarray:
    """Return how opaque each value is drawn: 0 at zero, 1 from the limit on."""
    return np.clip(np.abs(values) / limit, 0, 1)
