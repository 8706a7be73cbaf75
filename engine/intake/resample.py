"""Change of sampling rate with anti-aliasing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

MAX_FACTOR = 2000  # largest up- or down-factor tried before the ratio is rounded


def resample(samples: np.ndarray, fs: float, fs_to: float) -> np.ndarray:
    """Resample (leads, n) from fs to fs_to (Hz) by a polyphase low-pass filter; NaN stay NaN around their place.

    The edges are extended by the end values, so that a trace riding on an offset does not ring at its ends.
    """
    if fs == fs_to or samples.shape[1] == 0:
        return samples
    ratio = Fraction(fs_to / fs).limit_denominator(MAX_FACTOR)
    missing = np.isnan(samples)
    filled = np.where(missing, 0.0, samples) if missing.any() else samples
    out = resample_poly(filled, ratio.numerator, ratio.denominator, axis=1, padtype="line")
    if missing.any():
        at = np.minimum((np.arange(out.shape[1]) * fs / fs_to).astype(int), samples.shape[1] - 1)
        out[missing[:, at]] = np.nan
    return out
