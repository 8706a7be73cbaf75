"""What ECG and PPG preparation share: gaps, rate, band, scale. Arrays are (leads, n)."""

from __future__ import annotations

import numpy as np

from engine.signals import band_pass, fill_gaps, resample
from engine.study import Trace

PAD_S = 3.0  # by which the ends are extended for filtering
NYQUIST_SHARE = 0.45  # of the rate: the highest edge of a band
LOG_MV_FLOOR = -3.0  # log10 of the smallest lead amplitude (mV) that is told apart


def z_score(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each lead with mean 0 and deviation 1, and the deviations (leads,); a flat lead stays 0."""
    deviation = samples.std(1)
    safe = np.where(deviation > 1e-9, deviation, 1.0)
    return (samples - samples.mean(1, keepdims=True)) / safe[:, None], deviation


def condition(trace: Trace, fs_to: float, low_hz: float, high_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Fill gaps, resample, band-pass and z-score: (leads, n at fs_to) float64, deviations (leads,)."""
    samples = resample(fill_gaps(trace.samples.astype(np.float64)), trace.fs, fs_to)
    highest = min(high_hz, NYQUIST_SHARE * fs_to)
    return z_score(band_pass(samples, fs_to, low_hz, highest, pad=int(PAD_S * fs_to)))


def fit_length(samples: np.ndarray, length: int) -> tuple[np.ndarray, int]:
    """Cut or zero-pad the end to `length` samples; also return how many are real."""
    real = min(samples.shape[1], length)
    out = np.zeros((samples.shape[0], length), np.float32)
    out[:, :real] = samples[:, :real]
    return out, real
