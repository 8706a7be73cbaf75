"""Traces as arrays, along the last axis: gaps, another rate, a band."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

_DENOMINATOR_LIMIT = 1000  # 360 → 100 Hz is 5/18; odd rates such as 256.41 Hz are met within 0.1 %


def fill_gaps(samples: np.ndarray) -> np.ndarray:
    """Return (…, n) samples with each gap (NaN, infinite) filled by a straight line; an empty row becomes zeros."""
    missing = ~np.isfinite(samples)
    if not missing.any():
        return samples
    flat = samples.reshape(-1, samples.shape[-1]).copy()
    at = np.arange(flat.shape[1])
    for row, gap in zip(flat, missing.reshape(flat.shape), strict=True):
        row[gap] = np.interp(at[gap], at[~gap], row[~gap]) if not gap.all() else 0.0
    return flat.reshape(samples.shape)


def at_rate(samples: np.ndarray, fs: float, fs_to: float) -> np.ndarray:
    """Return (…, n) samples without gaps at `fs` Hz as (…, m) at `fs_to` Hz, of the same type.

    A polyphase filter (scipy.signal.resample_poly, Kaiser window) removes what lies above the new Nyquist rate; the
    ends are padded along a line. m differs from n · fs_to / fs by rounding only.
    """
    if fs == fs_to:
        return samples
    from scipy.signal import resample_poly

    ratio = Fraction(fs_to / fs).limit_denominator(_DENOMINATOR_LIMIT)
    if ratio == 0:
        ratio = Fraction(1, round(fs / fs_to))
    out: np.ndarray = resample_poly(samples, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    return out


def resample(samples: np.ndarray, fs: float, fs_to: float) -> np.ndarray:
    """Return (…, n) samples at `fs` Hz as (…, round(n · fs_to / fs)) float32 samples at `fs_to` Hz.

    Missing samples are bridged by a straight line for filtering and are missing again (NaN) in the result.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if fs == fs_to or samples.shape[-1] == 0:
        return samples.copy()
    missing = ~np.isfinite(samples)
    n = max(1, round(samples.shape[-1] * fs_to / fs))
    out = _fit(at_rate(fill_gaps(samples), fs, fs_to).astype(np.float32), n)
    if missing.any():
        nearest = np.minimum(np.rint(np.arange(n) * fs / fs_to).astype(int), samples.shape[-1] - 1)
        out[missing[..., nearest]] = np.nan
    return out


def band_pass(samples: np.ndarray, fs: float, low_hz: float, high_hz: float, *, pad: int | None = None) -> np.ndarray:
    """Return (…, n) samples through a second-order Butterworth band-pass, forwards and backwards (no phase shift).

    pad : samples by which the ends are extended, as far as there are so many; one period of `low_hz` unless given
    """
    from scipy.signal import butter, sosfiltfilt

    sos = butter(2, (low_hz, high_hz), "bandpass", fs=fs, output="sos")
    wanted = round(fs / low_hz) if pad is None else pad
    out: np.ndarray = sosfiltfilt(sos, samples, axis=-1, padlen=min(samples.shape[-1] - 1, wanted))
    return out


def _fit(samples: np.ndarray, n: int) -> np.ndarray:
    """Cut or extend (…, m) to n samples; m differs from n by rounding only."""
    if samples.shape[-1] >= n:
        return samples[..., :n].copy()
    pad = [(0, 0)] * (samples.ndim - 1) + [(0, n - samples.shape[-1])]
    return np.pad(samples, pad, mode="edge")
