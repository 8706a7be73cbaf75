"""Small array functions shared by the ECG and PPG indices. Every row is one lead; nothing here knows a threshold.

samples : (leads, n) float, any unit; every index is relative to the trace's own amplitude, so sd is as good as mV
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from engine.signals import fill_gaps

RUN_S = 0.1  # a stretch of equal samples counts as flat from this length on
SAME = 1e-4  # two samples are equal when they differ by less than this share of the trace's range
EXTREME = 1e-3  # a sample is at the rail when it is within this share of the range from the largest or smallest value
NOTHING = 1e-6  # a range below this share of the largest value is rounding, not signal (float32 has 1e-7)
RAIL_RUN = 3  # consecutive samples at the rail that count as clipping; a single peak sample is no clipping


def filled(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples without gaps, (leads, n) float64, and the (leads,) shares that were missing."""
    return fill_gaps(samples.astype(np.float64)), (~np.isfinite(samples)).mean(axis=1)


def in_runs(flags: np.ndarray, shortest: int) -> np.ndarray:
    """Keep only runs of at least `shortest` consecutive True. flags : (n,) bool → (n,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    kept = np.zeros(flags.size, bool)
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        kept[first:end] = end - first >= shortest
    return kept


def flat_share(row: np.ndarray, fs: float) -> float:
    """Share of samples in stretches of ≥ 0.1 s without change (lead off, zeros, steps). row : (n,) → 0..1.

    Source: the flat-line criterion of the PhysioNet/CinC Challenge 2011 entries (Silva, Moody & Celi 2011).
    """
    span = float(np.ptp(row))
    if span <= NOTHING * float(np.abs(row).max()):
        return 1.0
    same = np.abs(np.diff(row)) <= SAME * span
    return float(in_runs(same, max(2, round(RUN_S * fs) - 1)).mean())


def clipped_share(row: np.ndarray) -> float:
    """Share of samples stuck at the largest or smallest value (amplifier or converter at its rail). (n,) → 0..1."""
    low, high = float(row.min()), float(row.max())
    if low == high:
        return 1.0
    near = EXTREME * (high - low)
    return float(in_runs(row >= high - near, RAIL_RUN).mean() + in_runs(row <= low + near, RAIL_RUN).mean())


def spectrum(samples: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ((f,) Hz, (leads, f) power): Hann-windowed periodogram without the straight line through the trace."""
    return signal.periodogram(samples, fs, window="hann", detrend="linear", axis=1)


def power_between(freqs: np.ndarray, power: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """Summed power of low_hz ≤ f < high_hz. power : (leads, f) → (leads,)."""
    return power[:, (freqs >= low_hz) & (freqs < high_hz)].sum(axis=1)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where the whole is 0 (a trace without any change)."""
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)


def kurtosis(samples: np.ndarray) -> np.ndarray:
    """Pearson's kurtosis (normal noise 3, sine 1.5, square wave 1), 0 for a constant row. (leads, n) → (leads,)."""
    centred = samples - samples.mean(axis=1, keepdims=True)
    return ratio((centred**4).mean(axis=1), (centred**2).mean(axis=1) ** 2)


def skewness(row: np.ndarray) -> float:
    """Third standardised moment of one row, 0 for a constant row."""
    centred = row - row.mean()
    spread = float((centred**2).mean())
    return float((centred**3).mean()) / spread**1.5 if spread > 0 else 0.0


def moving_mean(row: np.ndarray, width: int) -> np.ndarray:
    """Centred moving average whose window shrinks at the ends. row : (n,) → (n,)."""
    width = max(1, min(width, row.size))
    total = np.concatenate(([0.0], np.cumsum(row)))
    last = np.minimum(np.arange(row.size) + width - width // 2, row.size)
    first = np.maximum(np.arange(row.size) - width // 2, 0)
    return (total[last] - total[first]) / (last - first)


def tone_share(freqs: np.ndarray, power: np.ndarray, above_hz: float) -> np.ndarray:
    """Largest share of the power above `above_hz` that lies within 1 Hz: 1 for a sine or hum. (leads, f) → (leads,)."""
    kept = power[:, freqs >= above_hz]
    width = max(3, round(1.0 / (freqs[1] - freqs[0])))
    total = np.concatenate((np.zeros((len(kept), 1)), np.cumsum(kept, axis=1)), axis=1)
    width = min(width, kept.shape[1])
    return ratio((total[:, width:] - total[:, :-width]).max(axis=1), total[:, -1])
