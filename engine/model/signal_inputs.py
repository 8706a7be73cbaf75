"""What ECG and PPG preparation share: gaps, rate, band, scale. Arrays are (leads, n)."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from engine.signals import resample
from engine.study import Trace

LOG_MV_FLOOR = -3.0  # log10 of the smallest lead amplitude (mV) that is told apart


def fill_gaps(samples: np.ndarray) -> np.ndarray:
    """Replace NaN by linear interpolation along time; a lead without any value becomes zero."""
    if not np.isnan(samples).any():
        return samples
    out, time = samples.copy(), np.arange(samples.shape[1])
    for lead in out:
        known = ~np.isnan(lead)
        lead[:] = np.interp(time, time[known], lead[known]) if known.any() else 0.0
    return out


def band_pass(samples: np.ndarray, fs: float, low_hz: float, high_hz: float) -> np.ndarray:
    """Second-order Butterworth band-pass, forwards and backwards (no phase shift)."""
    sos = butter(2, [low_hz, min(high_hz, 0.45 * fs)], btype="band", fs=fs, output="sos")
    pad = min(samples.shape[1] - 1, int(3 * fs))
    return sosfiltfilt(sos, samples, axis=1, padlen=pad)


def z_score(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each lead with mean 0 and deviation 1, and the deviations (leads,); a flat lead stays 0."""
    deviation = samples.std(1)
    safe = np.where(deviation > 1e-9, deviation, 1.0)
    return (samples - samples.mean(1, keepdims=True)) / safe[:, None], deviation


def condition(trace: Trace, fs_to: float, low_hz: float, high_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Fill gaps, resample, band-pass and z-score: (leads, n at fs_to) float64, deviations (leads,)."""
    samples = resample(fill_gaps(trace.samples.astype(np.float64)), trace.fs, fs_to)
    return z_score(band_pass(samples, fs_to, low_hz, high_hz))


def fit_length(samples: np.ndarray, length: int) -> tuple[np.ndarray, int]:
    """Cut or zero-pad the end to `length` samples; also return how many are real."""
    real = min(samples.shape[1], length)
    out = np.zeros((samples.shape[0], length), np.float32)
    out[:, :real] = samples[:, :real]
    return out, real
