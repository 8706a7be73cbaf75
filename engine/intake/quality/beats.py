"""Beat detectors and beat agreement, own numpy versions of published methods, fast enough for every query.

neurokit2 has the same detectors, but importing it takes 2–4 s on two cores and its quality functions build data frames;
the gate must answer in 0.1 s. The tests compare these detectors with neurokit2's on its simulated recordings.
"""

from __future__ import annotations

import math

import numpy as np

from engine.filtering import moving_maximum, moving_median, peaks
from engine.signals import band_pass, in_runs, moving_mean, skewness

RISE_S = 0.1  # of the mean rise: shorter than any upstroke
SLOWEST_S, FASTEST_S = 2.2, 0.22  # between two pulses: 27 and 270 per minute
USUAL_S = 6.0
STEEP = 0.45  # an upstroke rises at least by this share of the usual one; dicrotic waves stay below
SHORT_S, LONG_S, OFFSET = 0.097, 0.611, 0.08  # a QRS, a beat, and by how much of the mean the one exceeds the other
NARROWEST_S, REFRACTORY_S = 0.06, 0.2  # of a block, and between two
STRETCH_S = 2.0  # holds a pulse at 30 per minute


def energy_beats(samples: np.ndarray, fs: float) -> list[np.ndarray]:
    """QRS positions per lead by two moving averages of the squared 8–20 Hz signal (Elgendi 2010).

    samples : (leads, n) → one (beats,) int array per lead
    """
    return _block_peaks(band_pass(samples, fs, 8.0, 20.0) ** 2, fs)


def slope_beats(samples: np.ndarray, fs: float) -> list[np.ndarray]:
    """QRS positions per lead by curve length (the principle of wqrs, Zong et al. 2003).

    samples : (leads, n) → one (beats,) int array per lead

    The length of the curve in 130 ms is compared with the local maximum of the surrounding 3 s, so that a slow rise of
    the amplitude or a single artefact does not hide beats.
    """
    quick = band_pass(samples, fs, 5.0, 30.0)  # without it a tall T wave hides a small QRS
    lengths = moving_mean(np.abs(np.gradient(quick, axis=1)), round(0.13 * fs))
    tops = moving_maximum(lengths, round(3.0 * fs))
    return [_steep_stretches(*one, fs) for one in zip(lengths, tops, np.median(lengths, axis=1), strict=True)]


def _steep_stretches(length: np.ndarray, top: np.ndarray, low: float, fs: float) -> np.ndarray:
    found = peaks(length, max(1, round(0.25 * fs)))
    return found[length[found] > low + 0.35 * (top[found] - low)]


def upstrokes(row: np.ndarray, fs: float) -> np.ndarray:
    """Steepest point of every systolic upstroke of a pulse from 30 to 220 per minute. row : (n,) → (beats,) int.

    The mean rise over 100 ms (the slope sum of Zong et al. 2003, Computers in Cardiology 30:259) is compared with its
    usual maximum: the largest within 2.2 s, which holds a beat at 30 per minute, taken as the median over 6 s, so that
    one jump of the sensor hides no beats. A dicrotic wave rises far less steeply than a systole, however high it is.
    """
    rise = moving_mean(np.clip(np.gradient(row), 0.0, None), round(RISE_S * fs))
    top = moving_maximum(rise, round(SLOWEST_S * fs))
    usual = moving_median(top, max(1, min(row.size, round(USUAL_S * fs))))
    found = peaks(rise, max(1, round(FASTEST_S * fs)))
    return found[rise[found] > STEEP * usual[found]]


def pulse_beats(row: np.ndarray, fs: float) -> np.ndarray:
    """Systolic peaks: the first peak after every upstroke. row : (n,) → (beats,) int."""
    strokes = upstrokes(row, fs)
    tops = np.flatnonzero((row[1:-1] >= row[:-2]) & (row[1:-1] > row[2:])) + 1
    following = np.searchsorted(tops, strokes)
    return np.unique(tops[following[following < tops.size]])


def pulse_asymmetry(row: np.ndarray, fs: float) -> float:
    """How much steeper a pulse rises than it falls, 0 for noise and sines; negative for a pulse that is upside down.

    row : (n,). The skewness of the slope in every stretch of 2 s; the quartile that lies nearer to 0, so that neither
    one jump nor steps up and down count as pulses.
    """
    slope = np.diff(row)
    width, hop = min(slope.size, round(STRETCH_S * fs)), max(1, round(0.5 * STRETCH_S * fs))
    skews = [skewness(slope[at : at + width]) for at in range(0, slope.size - width + 1, hop)]
    low, middle, high = np.quantile(skews, (0.25, 0.5, 0.75))
    return float(max(low, 0.0) if middle >= 0 else min(high, 0.0))


def _block_peaks(power: np.ndarray, fs: float) -> list[np.ndarray]:
    """Largest sample of every block of a lead where the short average exceeds the long one. (leads, n) → one a lead.

    Blocks narrower than NARROWEST_S and peaks nearer than REFRACTORY_S to the one before are dropped.
    """
    short, long = moving_mean(power, round(SHORT_S * fs)), moving_mean(power, round(LONG_S * fs))
    inside = in_runs(short > long + OFFSET * power.mean(axis=1, keepdims=True), max(1, math.ceil(NARROWEST_S * fs)))
    return [_peaks_of_blocks(*one, fs) for one in zip(power, inside, strict=True)]


def _peaks_of_blocks(power: np.ndarray, inside: np.ndarray, fs: float) -> np.ndarray:
    """Return the largest sample of every block of one lead. power, inside : (n,)"""
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False)).tolist()
    found: list[int] = []
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        peak = first + int(power[first:end].argmax())
        if not found or peak - found[-1] >= REFRACTORY_S * fs:
            found.append(peak)
    return np.array(found, dtype=np.int64)


def agreement(first: np.ndarray, second: np.ndarray, within: float) -> float:
    """bSQI: beats that both detectors found, as a share of all beats found (Li, Mark & Clifford 2008). → 0..1.

    first, second : sorted sample positions; within : tolerance in samples. No beats at all gives 0.
    """
    if first.size == 0 or second.size == 0:
        return 0.0
    matched = min(_near(first, second, within), _near(second, first, within))
    return matched / (first.size + second.size - matched)


def _near(first: np.ndarray, second: np.ndarray, within: float) -> int:
    """How many of `first` have one of `second` within the tolerance."""
    after = np.searchsorted(second, first)
    right = np.abs(first - second[np.minimum(after, second.size - 1)])
    left = np.abs(first - second[np.maximum(after - 1, 0)])
    return int((np.minimum(left, right) <= within).sum())


def beat_windows(row: np.ndarray, beats: np.ndarray, before: int, after: int) -> np.ndarray:
    """Cut (beats, before + after) stretches around the beats that lie fully inside. row : (n,)."""
    inside = beats[(beats >= before) & (beats + after <= row.size)]
    return row[inside[:, None] + np.arange(-before, after)[None]]


def beat_correlation(windows: np.ndarray) -> float:
    """Mean correlation between any two beats. (beats, width) → −1..1; 0 with fewer than two beats.

    Template matching (Li & Clifford 2012; Orphanidou et al. 2015) compares each beat with the average beat. In a short
    trace the average holds much of each beat, so noise scores high; comparing pairs has no such bias: noise scores 0.
    """
    count = len(windows)
    if count < 2:
        return 0.0
    centred = windows - windows.mean(axis=1, keepdims=True)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(float).tiny)
    total = float((centred.sum(axis=0) ** 2).sum())
    own = float((centred**2).sum())
    return (total - own) / (count * (count - 1))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def autocorrelation_peak(row: np.ndarray, fs: float, shortest_s: float, longest_s: float) -> float:
    """Largest local maximum of the autocorrelation between two lags, each normalised by its overlap. → −1..1."""
    last = min(round(longest_s * fs), row.size - round(0.5 * fs))
    lags = np.arange(max(1, round(shortest_s * fs)), last + 1)
    if lags.size < 3:
        return 0.0
    values = np.array([_correlation(row[:-lag], row[lag:]) for lag in lags])
    tops = np.flatnonzero((values[1:-1] >= values[:-2]) & (values[1:-1] >= values[2:])) + 1
    return float(values[tops].max()) if tops.size else 0.0
