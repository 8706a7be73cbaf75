"""Films whose pixels are longer one way, resampled to square ones; PS3.3 C.7.6.3.1.7 and 10.7."""

from __future__ import annotations

import numpy as np

from engine.intake.film_limits import check_pixels

_EVEN = 1.02  # detectors state their two steps to about this
_MOST = 4.0  # more is a slip of the writer

Steps = tuple[float, float]


def is_uneven(steps: Steps) -> bool:
    """Return whether pixels are visibly longer one way. steps : (between rows, between columns), in any unit."""
    ratio = max(steps) / min(steps)
    return _EVEN < ratio <= _MOST


def squared(pixels: np.ndarray, steps: Steps) -> np.ndarray:
    """Return (height, width) pixels of the same type at the finer of both steps; IntakeError for too many."""
    from PIL import Image

    fine = min(steps)
    height, width = (round(side * step / fine) for side, step in zip(pixels.shape, steps, strict=True))
    check_pixels(width, height)
    image = Image.fromarray(pixels.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    most = np.iinfo(pixels.dtype).max
    return np.rint(np.clip(np.asarray(image), pixels.min(), min(pixels.max(), most))).astype(pixels.dtype)
