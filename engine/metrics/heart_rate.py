"""Heart rate of one window from its own peaks: the reference of the heart-rate probe and a baseline of pair search."""

from __future__ import annotations

import warnings

import numpy as np

from engine.study import Trace

MIN_BEATS = 4  # intervals of fewer beats say little about a rate
LIMITS_PER_MIN = (25.0, 240.0)  # outside them the peaks were not beats


def rate_of_peaks(peaks: np.ndarray, fs: float) -> float:
    """Sample numbers of beats (n,) → beats per minute from the median interval, NaN where it is not to be had."""
    if len(peaks) < MIN_BEATS:
        return float("nan")
    rate = 60 * fs / float(np.median(np.diff(peaks)))
    return rate if LIMITS_PER_MIN[0] <= rate <= LIMITS_PER_MIN[1] else float("nan")


def heart_rate(trace: Trace) -> float:
    """Return a one-channel window's beats per minute: R peaks of an ECG lead, systolic peaks of a PPG; NaN if unclear.

    Peaks are neurokit2's (Makowski et al. 2021; PPG after Elgendi et al. 2013, PLoS ONE 8:e76585).
    """
    import neurokit2 as nk

    samples, fs = np.nan_to_num(trace.samples[0].astype(np.float64)), trace.fs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if trace.leads == ("PPG",):
                _, found = nk.ppg_peaks(nk.ppg_clean(samples, sampling_rate=fs), sampling_rate=fs)
                return rate_of_peaks(np.asarray(found["PPG_Peaks"]), fs)
            _, found = nk.ecg_peaks(nk.ecg_clean(samples, sampling_rate=fs), sampling_rate=fs)
            return rate_of_peaks(np.asarray(found["ECG_R_Peaks"]), fs)
        except (ValueError, IndexError, ZeroDivisionError):  # neurokit2 on a trace without beats
            return float("nan")
