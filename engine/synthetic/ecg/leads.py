"""Leads: which are independent, how the others follow from them, and the moving heart vector seen by them."""

from __future__ import annotations

import numpy as np

FS = 500.0  # Hz, of every drawn ECG
GAIN = 400  # stored units per mV: steps of 2.5 µV (IEC 60601-2-25 asks for at most 5)
INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
EIGHT = (0, 1, 6, 7, 8, 9, 10, 11)  # their rows among the twelve
LIMIT = 8190  # stored units, ±20 mV: further than any heart reaches, well inside 16 bits

# Rows I, II, V1 … V6; columns x (left), y (down), z (back). Dower, Machado & Osborne, Clin Cardiol 3:87, 1980.
DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)


def limb_leads(two: np.ndarray) -> np.ndarray:
    """Return I, II, III, aVR, aVL, aVF (6, n) from I and II (2, n): Einthoven's law and Goldberger's terminals.

    Even integers give whole numbers, so the four derived leads hold exactly in stored units.
    """
    i, ii = two
    if np.issubdtype(two.dtype, np.integer):
        return np.vstack([i, ii, ii - i, -(i + ii) // 2, i - ii // 2, ii - i // 2])
    return np.vstack([i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2])


def stored(eight: np.ndarray) -> np.ndarray:
    """Return the twelve leads (12, n) int16 in GAIN units per mV from the independent eight (8, n) in mV."""
    limb = 2 * np.round(eight[:2] * GAIN / 2)
    chest = np.round(eight[2:] * GAIN)
    whole = np.clip(np.vstack([limb, chest]), -LIMIT, LIMIT).astype(np.int64)
    return np.vstack([limb_leads(whole[:2]), whole[2:]]).astype(np.int16)
