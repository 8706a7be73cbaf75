"""Chest films: Film → the 224 × 224 array that the trunk reads, and back to film coordinates."""

from __future__ import annotations

import numpy as np

from engine.study import Film

SIDE = 224  # pixels; 16 × 16 patches of 14
CONTRAST_PERCENTILES = (0.5, 99.5)  # grey values mapped to 0 and 1, so that windowing differences matter less


def stretch(pixels: np.ndarray) -> np.ndarray:
    """Map the 0.5th … 99.5th percentile of grey values to 0 … 1: (h, w) any → (h, w) float32."""
    low, high = np.percentile(pixels, CONTRAST_PERCENTILES)
    if high <= low:
        return np.zeros(pixels.shape, np.float32)
    return np.clip((pixels.astype(np.float32) - low) / (high - low), 0, 1).astype(np.float32)


def padding(height: int, width: int) -> tuple[int, int, int]:
    """Return (side, top, left): the square a film is centred in before resizing."""
    side = max(height, width)
    return side, (side - height) // 2, (side - width) // 2


def prepare(film: Film) -> np.ndarray:
    """Return the film stretched, centred on black in a square and resized: (224, 224) float32 in 0 … 1."""
    from PIL import Image

    grey = stretch(film.pixels)
    side, top, left = padding(*grey.shape)
    square = np.zeros((side, side), np.float32)
    square[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    resized = Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized, np.float32), 0, 1)


def inputs(film: Film) -> dict[str, np.ndarray]:
    """Return the model's inputs for one film: x (1, 224, 224) float32 in 0 … 1."""
    return {"x": prepare(film)[None]}
