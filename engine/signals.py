"""Resampling with anti-aliasing, blind to missing samples."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

_DENOMINATOR_LIMIT = 1000  # 360 → 100 Hz is 5/18; odd rates such as 256.41 Hz are met within 0.1 %


def resample(samples: np.ndarray, fs: float, fs_to: float) -> np.ndarray:
    """Return (…, n) samples at `fs` Hz as (…, round(n · fs_to / fs)) float32 samples at `fs_to` Hz.

    A polyphase filter (scipy.signal.resample_poly, Kaiser window) removes what lies above the new Nyquist rate. Missing
    samples (NaN) are bridged by a straight line for filtering and are missing again in the result.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if fs == fs_to or samples.shape[-1] == 0:
        return samples.copy()
    from scipy.signal import resample_poly

    ratio = Fraction(fs_to / fs).limit_denominator(_DENOMINATOR_LIMIT)
    if ratio == 0:
        ratio = Fraction(1, round(fs / fs_to))
    missing = np.isnan(samples)
    bridged = interpolate_gaps(samples) if missing.any() else samples
    out = resample_poly(bridged, ratio.numerator, ratio.denominator, axis=-1, padtype="line").astype(np.float32)
    n = max(1, round(samples.shape[-1] * fs_to / fs))
    out = _fit(out, n)
    if missing.any():
        nearest = np.minimum(np.rint(np.arange(n) * fs / fs_to).astype(int), samples.shape[-1] - 1)
        out[missing[..., nearest]] = np.nan
    return out


def interpolate_gaps(samples: np.ndarray) -> np.ndarray:
    """Return (…, n) samples with each gap filled by a straight line; an empty row becomes zeros."""
    flat = samples.reshape(-1, samples.shape[-1]).copy()
    at = np.arange(flat.shape[1])
    for row in flat:
        known = ~np.isnan(row)
        row[~known] = np.interp(at[~known], at[known], row[known]) if known.any() else 0.0
    return flat.reshape(samples.shape)


def _fit(samples: np.ndarray, n: int) -> np.ndarray:
    """Cut or extend (…, m) to n samples; m differs from n by rounding only."""
    if samples.shape[-1] >= n:
        return samples[..., :n].copy()
    pad = [(0, 0)] * (samples.ndim - 1) + [(0, n - samples.shape[-1])]
    return np.pad(samples, pad, mode="edge")
