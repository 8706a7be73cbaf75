"""Heart rate from beats; that of a window's own peaks is the probe's reference and a baseline of pair search."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np

from engine.modalities import spec_of_trace
from engine.study import Trace

MIN_BEATS = 4  # intervals of fewer beats say little about the rate of a window
LIMITS_PER_MIN = (25.0, 240.0)  # outside them the peaks were not beats
Statistic = Literal["median", "mean"]


def heart_rate(beats: np.ndarray, fs: float = 1.0, *, statistic: Statistic = "median", min_beats: int = 2) -> float:
    """Return beats per minute, 60 by an interval in seconds; NaN with fewer beats than `min_beats`.

    beats     : (n,) ascending, in samples at `fs` Hz, or in seconds
    statistic : "median", the middle interval, which one missed or doubled beat does not move: what is shown and what
                the probe compares; "mean", the mean interval: the rate over a stretch, for sides that count the same
                beats. Both are taken of the intervals between successive beats (Task Force of the European Society of
                Cardiology and NASPE 1996, Circulation 93:1043).
    """
    if len(beats) < max(2, min_beats):
        return float("nan")
    if statistic == "mean":
        return float(60 * fs * (len(beats) - 1) / (beats[-1] - beats[0]))
    return 60 * fs / float(np.median(np.diff(beats)))


def peaks_of(trace: Trace) -> np.ndarray:
    """Return the R peaks of the first ECG lead or the systolic peaks of a PPG, (n,) samples; none where none are found.

    Peaks are neurokit2's (Makowski et al. 2021; PPG after Elgendi et al. 2013, PLoS ONE 8:e76585).
    """
    import neurokit2 as nk

    samples, fs = np.nan_to_num(trace.samples[0].astype(np.float64)), trace.fs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if spec_of_trace(trace).name == "ppg":
                _, found = nk.ppg_peaks(nk.ppg_clean(samples, sampling_rate=fs), sampling_rate=fs)
                return np.asarray(found["PPG_Peaks"])
            _, found = nk.ecg_peaks(nk.ecg_clean(samples, sampling_rate=fs), sampling_rate=fs)
            return np.asarray(found["ECG_R_Peaks"])
        except (ValueError, IndexError, ZeroDivisionError):  # neurokit2 on a trace without beats
            return np.empty(0, np.int64)


def window_rate(trace: Trace) -> float:
    """Return a one-channel window's median heart rate per minute; NaN with too few peaks or no plausible rate."""
    return plausible(heart_rate(peaks_of(trace), trace.fs, min_beats=MIN_BEATS))


def plausible(rate: float) -> float:
    """Return a rate per minute, NaN outside the limits within which peaks are beats."""
    return rate if LIMITS_PER_MIN[0] <= rate <= LIMITS_PER_MIN[1] else float("nan")
