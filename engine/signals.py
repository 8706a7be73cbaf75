"""Traces as arrays, along the last axis: gaps, another rate, a band, a scale; flat, clipped and tonal shares."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from engine import filtering

PAD_S = 3.0  # by which the ends are extended for filtering
NYQUIST_SHARE = 0.45  # of the rate: the highest edge of a band
RUN_S = 0.1  # a stretch of equal samples counts as flat from this length on
SAME = 1e-4  # two samples are equal when they differ by less than this share of the trace's range
EXTREME = 1e-3  # a sample is at the rail when it is within this share of the range from the largest or smallest value
NOTHING = 1e-6  # a range below this share of the largest value is rounding, not signal (float32 has 1e-7)
RAIL_RUN = 3  # consecutive samples at the rail that count as clipping; a single peak sample is no clipping
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
    ratio = Fraction(fs_to / fs).limit_denominator(_DENOMINATOR_LIMIT)
    if ratio == 0:
        ratio = Fraction(1, round(fs / fs_to))
    return filtering.at_ratio(samples, ratio.numerator, ratio.denominator)


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
    wanted = round(fs / low_hz) if pad is None else pad
    return filtering.band_passed(samples, fs, low_hz, high_hz, min(samples.shape[-1] - 1, wanted))


def _fit(samples: np.ndarray, n: int) -> np.ndarray:
    """Cut or extend (…, m) to n samples; m differs from n by rounding only."""
    if samples.shape[-1] >= n:
        return samples[..., :n].copy()
    pad = [(0, 0)] * (samples.ndim - 1) + [(0, n - samples.shape[-1])]
    return np.pad(samples, pad, mode="edge")


def z_score(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each lead with mean 0 and deviation 1, and the deviations (leads,); a flat lead stays 0."""
    deviation = samples.std(1)
    safe = np.where(deviation > 1e-9, deviation, 1.0)
    return (samples - samples.mean(1, keepdims=True)) / safe[:, None], deviation


def condition(
    samples: np.ndarray, fs: float, fs_to: float, band_hz: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Fill gaps, resample, band-pass and z-score: (leads, n at fs_to) float64, deviations (leads,)."""
    samples = resample(fill_gaps(samples.astype(np.float64)), fs, fs_to)
    low_hz, highest = band_hz[0], min(band_hz[1], NYQUIST_SHARE * fs_to)
    return z_score(band_pass(samples, fs_to, low_hz, highest, pad=int(PAD_S * fs_to)))


def fit_length(samples: np.ndarray, length: int) -> tuple[np.ndarray, int]:
    """Cut or zero-pad the end to `length` samples; also return how many are real."""
    real = min(samples.shape[1], length)
    out = np.zeros((samples.shape[0], length), np.float32)
    out[:, :real] = samples[:, :real]
    return out, real


def filled(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples without gaps, (leads, n) float64, and the (leads,) shares that were missing."""
    return fill_gaps(samples.astype(np.float64)), (~np.isfinite(samples)).mean(axis=1)


def envelope(row: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where, in samples, and how high a line through lowest and highest of each column runs, (2 × columns,).

    A row (n,) of fewer than three samples a column is returned as it is. A column without any sample is missing (NaN).
    """
    per = row.size // columns
    if per < 3:
        return np.arange(row.size, dtype=np.float64), row
    cut = row[: per * columns].reshape(columns, per)
    low, high = np.where(np.isnan(cut), np.inf, cut).min(1), np.where(np.isnan(cut), -np.inf, cut).max(1)
    heights = np.stack([low, high], 1).ravel()
    at = np.repeat((np.arange(columns) + 0.5) * per, 2)
    return at, np.where(np.isfinite(heights), heights, np.nan)


def in_runs(flags: np.ndarray, shortest: int) -> np.ndarray:
    """Keep only runs of at least `shortest` consecutive True. flags : (…, n) bool → (…, n) bool."""
    rows = flags.reshape(-1, flags.shape[-1])
    steps = np.zeros((len(rows), rows.shape[1] + 1), np.int8)
    first, end = _runs(rows, shortest)
    steps.flat[first], steps.flat[end] = 1, -1
    kept: np.ndarray = np.cumsum(steps[:, :-1], axis=1, dtype=np.int8).astype(bool)
    return kept.reshape(flags.shape)


def _share_in_runs(flags: np.ndarray, shortest: int) -> np.ndarray:
    """Return the share of samples that `in_runs` keeps. flags : (leads, n) bool → (leads,)."""
    leads, n = flags.shape
    first, end = _runs(flags, shortest)
    return np.bincount(first // (n + 1), end - first, minlength=leads) / n


def _runs(rows: np.ndarray, shortest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where runs of at least `shortest` True begin and end (the place after), in rows of n + 1 places.

    rows : (leads, n) bool
    """
    wide = np.zeros((len(rows), rows.shape[1] + 2), bool)  # a run ends in its row
    wide[:, 1:-1] = rows
    edges = np.flatnonzero(wide[:, 1:] != wide[:, :-1])
    first, end = edges[::2], edges[1::2]
    long_enough = end - first >= shortest
    return first[long_enough], end[long_enough]


def flat_share(samples: np.ndarray, fs: float, run_s: float = RUN_S) -> np.ndarray:
    """Share of samples in stretches of `run_s` and more without change (lead off, zeros, steps). (leads, n) → (leads,).

    Source: the flat-line criterion of the PhysioNet/CinC Challenge 2011 entries (Silva, Moody & Celi 2011).
    """
    span = np.ptp(samples, axis=1)
    same = np.abs(np.diff(samples, axis=1)) <= SAME * span[:, None]
    share = _share_in_runs(same, max(2, round(run_s * fs) - 1))
    return np.where(span <= NOTHING * np.abs(samples).max(axis=1), 1.0, share)


def clipped_share(samples: np.ndarray) -> np.ndarray:
    """Share of samples stuck at the largest or smallest value (a converter at its rail). (leads, n) → (leads,)."""
    low, high = samples.min(axis=1, keepdims=True), samples.max(axis=1, keepdims=True)
    near = EXTREME * (high - low)
    top, bottom = (_share_in_runs(at, RAIL_RUN) for at in (samples >= high - near, samples <= low + near))
    return np.where((low == high)[:, 0], 1.0, top + bottom)


def spectrum(samples: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ((f,) Hz, (leads, f) power): Hann-windowed periodogram without the straight line through the trace.

    As scipy.signal.periodogram(window="hann", detrend="linear"), whose least squares take as long as the transform.
    """
    n = samples.shape[1]
    window, at = _hann(n)
    rest = samples - samples.mean(axis=1, keepdims=True)
    rest = rest - np.outer(rest @ at / max(float(at @ at), 1.0), at)
    found = np.fft.rfft(rest * window, axis=1)
    power = (found.real**2 + found.imag**2) * (2.0 / (fs * float(window @ window)))
    power[:, 0] /= 2.0
    if n % 2 == 0:
        power[:, -1] /= 2.0
    return np.fft.rfftfreq(n, 1.0 / fs), power


@lru_cache(maxsize=16)
def _hann(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a periodic Hann window, (n,), and how far each sample lies from the middle, (n,)."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n) / n), np.arange(n) - (n - 1) / 2.0


def power_between(freqs: np.ndarray, power: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """Summed power of low_hz ≤ f < high_hz. freqs : rising; power : (leads, f) → (leads,)."""
    first, end = np.searchsorted(freqs, (low_hz, high_hz))
    return power[:, first:end].sum(axis=1)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where the whole is 0 (a trace without any change)."""
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)


def kurtosis(samples: np.ndarray) -> np.ndarray:
    """Pearson's kurtosis (normal noise 3, sine 1.5, square wave 1), 0 for a constant row. (leads, n) → (leads,)."""
    squared = (samples - samples.mean(axis=1, keepdims=True)) ** 2
    return ratio((squared**2).mean(axis=1), squared.mean(axis=1) ** 2)


def skewness(row: np.ndarray) -> float:
    """Third standardised moment of one row, 0 for a constant row."""
    centred = row - row.mean()
    spread = float((centred**2).mean())
    return float((centred**3).mean()) / spread**1.5 if spread > 0 else 0.0


def moving_mean(samples: np.ndarray, width: int) -> np.ndarray:
    """Centred moving average whose window shrinks at the ends. (…, n) → (…, n)."""
    n = samples.shape[-1]
    width = max(1, min(width, n))
    total = np.zeros((*samples.shape[:-1], n + 1))
    np.cumsum(samples, axis=-1, out=total[..., 1:])
    last = np.minimum(np.arange(n) + width - width // 2, n)
    first = np.maximum(np.arange(n) - width // 2, 0)
    return (total[..., last] - total[..., first]) / (last - first)


def tone_share(freqs: np.ndarray, power: np.ndarray, above_hz: float) -> np.ndarray:
    """Largest share of the power above `above_hz` that lies within 1 Hz: 1 for a sine or hum. (leads, f) → (leads,)."""
    kept = power[:, freqs >= above_hz]
    width = max(3, round(1.0 / (freqs[1] - freqs[0])))
    total = np.concatenate((np.zeros((len(kept), 1)), np.cumsum(kept, axis=1)), axis=1)
    width = min(width, kept.shape[1])
    return ratio((total[:, width:] - total[:, :-width]).max(axis=1), total[:, -1])
