"""Filters, rates and peaks of traces by scipy.

What reads and judges traces takes them from here alone, so that a device without scipy can put others in their place
(`edge/src/casebind_edge/stand_ins/filtering.py`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def band_passed(samples: np.ndarray, fs: float, low_hz: float, high_hz: float, pad: int) -> np.ndarray:
    """Return (…, n) samples through a second-order Butterworth band-pass in both directions.

    pad : samples, below n, by which the ends are extended by their point reflections
    """
    first, last = samples[..., :1], samples[..., -1:]
    ends = 2 * first - samples[..., pad:0:-1], 2 * last - samples[..., -2 : -(pad + 2) : -1]
    wide = np.concatenate((ends[0], samples, ends[1]), axis=-1)
    forwards = _filtered(wide, fs, low_hz, high_hz)
    both: np.ndarray = _filtered(forwards[..., ::-1], fs, low_hz, high_hz)[..., ::-1]
    return both[..., pad : pad + samples.shape[-1]]


def _filtered(samples: np.ndarray, fs: float, low_hz: float, high_hz: float) -> np.ndarray:
    """Return (…, n) samples through a filter that has had their first value for as long as it takes to settle.

    Twice this is scipy.signal.sosfiltfilt, which works out the settled state anew for every call.
    """
    from scipy.signal import sosfilt

    sections, settled = _band_filter(fs, low_hz, high_hz)
    state = settled.reshape(len(settled), *[1] * (samples.ndim - 1), 2) * samples[..., :1]
    out: np.ndarray = sosfilt(sections.copy(), samples, axis=-1, zi=state)[0]
    return out


@lru_cache(maxsize=64)
def _band_filter(fs: float, low_hz: float, high_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the sections, (2, 6), of a filter and their settled state, (2, 2): they take as long as a lead does."""
    from scipy.signal import butter, sosfilt_zi

    sections: np.ndarray = butter(2, (low_hz, high_hz), "bandpass", fs=fs, output="sos")
    return sections, sosfilt_zi(sections)


def at_ratio(samples: np.ndarray, up: int, down: int) -> np.ndarray:
    """Return (…, n) samples at up/down times their rate, (…, ceil(n · up / down)), of the same type.

    A Kaiser-windowed low-pass removes what lies above the lower Nyquist rate; the ends are padded along a line.
    """
    from scipy.signal import resample_poly

    out: np.ndarray = resample_poly(samples, up, down, axis=-1, padtype="line")
    return out


def peaks(row: np.ndarray, distance: int) -> np.ndarray:
    """Return where a row (n,) is higher than beside it, (p,) int; the lower of two nearer than `distance` is left out.

    A level top counts once, in its middle.
    """
    from scipy.signal import find_peaks

    found: np.ndarray = find_peaks(row, distance=distance)[0]
    return found


def moving_maximum(rows: np.ndarray, width: int) -> np.ndarray:
    """Return the largest of `width` samples around each, (…, n), the ends extended by themselves."""
    from scipy.ndimage import maximum_filter1d

    found: np.ndarray = maximum_filter1d(rows, width, axis=-1, mode="nearest")
    return found


def moving_median(row: np.ndarray, width: int) -> np.ndarray:
    """Return the middle one (the upper of two) of `width` samples around each, (n,), the ends mirrored."""
    from scipy.ndimage import median_filter

    found: np.ndarray = median_filter(row, size=width, mode="reflect")
    return found
