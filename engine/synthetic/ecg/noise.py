"""What a recording holds besides beats: baseline wander, muscle and electrode noise, mains.

Learnt: the spectrum of what is left of each calibrated `train` recording without its median beat and outside the QRS,
per lead in bands, as principal components of logarithms; and how the leads go together in three ranges. Not learnt,
since the recordings end at 50 Hz: above 30 Hz the spectrum falls by 12 dB an octave; some have a little mains.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal

from engine.datasets.open_recordings import Recording
from engine.synthetic.ecg.beats import AFTER, BEFORE, Beat
from engine.synthetic.ecg.leads import EIGHT, FS

EDGES_HZ = np.array([0.05, 0.15, 0.25, 0.35, 0.5, 0.8, 1.3, 2.0, 3.2, 5.0, 8.0, 13.0, 20.0, 30.0, 40.0])
CENTRES_HZ = np.sqrt(EDGES_HZ[1:] * EDGES_HZ[:-1])
RANGES_HZ = (0.0, 0.8, 8.0)  # where one matrix of lead correlations gives way to the next
COMPONENTS = 12
RATE_HZ = 100.0
FALL = 4.0  # power of frequency by which power falls above the last edge (12 dB an octave)
SHARES = np.linspace(0.01, 0.99, 15)  # quantiles kept of each component: loud recordings are few and very loud
MAINS_SHARE, MAINS_MV = 0.25, 0.004


def fit_noise(beats: Sequence[Beat], recordings: Sequence[Recording]) -> dict[str, np.ndarray]:
    """Return noise_mean (8·bands,), noise_basis (k, 8·bands), noise_quantiles (k, shares) of log mV²/Hz, and leads."""
    logs, together = [], np.zeros((len(RANGES_HZ), 8, 8))
    even = [beat for beat in beats if beat.averaged.mean() > 0.9]
    for beat in even:
        left = residual(beat)
        log, spectra, freqs = band_powers(left)
        logs.append(log.ravel())
        together += correlations(spectra, freqs)
    rows = np.stack(logs)
    low, high = np.quantile(rows, (0.02, 0.98), axis=0)
    rows = np.clip(rows, low, high)
    middle = rows.mean(axis=0)
    axes = np.linalg.svd(rows - middle, full_matrices=False)[2]
    axes = axes[:COMPONENTS]
    return {
        "noise_mean": middle,
        "noise_basis": axes,
        "noise_quantiles": np.quantile((rows - middle) @ axes.T, SHARES, axis=0).T,
        "noise_leads": together / len(even),
        "wander": wander_levels(recordings),
    }


def residual(beat: Beat) -> np.ndarray:
    """Return what is left (8, n) at RATE_HZ when each beat's own multiple of the median beat is taken away."""
    left, kept = beat.clean.copy(), np.ones(beat.clean.shape[1], bool)
    ends = np.append(beat.r, beat.clean.shape[1] + AFTER)
    for at, following in zip(beat.r, ends[1:], strict=True):
        start = max(0, at - BEFORE + 60)
        stop = min(beat.clean.shape[1], at + AFTER, following - BEFORE + 60)
        if stop > start:
            left[:, start:stop] -= beat.eight[:, start - at + BEFORE : stop - at + BEFORE]
        kept[max(0, at - 35) : at + 50] = False
    t = np.arange(kept.size)
    filled = np.stack([np.interp(t, t[kept], row[kept]) for row in left])
    return filled[:, :: round(FS / RATE_HZ)]


def band_powers(residuals: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (log power density per lead and band (8, bands), spectra (8, f) complex, frequencies (f,))."""
    window = signal.windows.hann(residuals.shape[1])
    spectra = np.fft.rfft((residuals - residuals.mean(axis=1, keepdims=True)) * window, axis=1)
    freqs = np.fft.rfftfreq(residuals.shape[1], 1 / RATE_HZ)
    power = 2 * np.abs(spectra) ** 2 / (RATE_HZ * (window**2).sum())
    where = np.digitize(freqs, EDGES_HZ) - 1
    bands = [power[:, where == i].mean(axis=1) for i in range(CENTRES_HZ.size)]
    return np.log(np.stack(bands, axis=1) + 1e-12), spectra, freqs


def correlations(spectra: np.ndarray, freqs: np.ndarray) -> np.ndarray:
    """Return the leads' correlation (8, 8) in each of RANGES_HZ."""
    out = []
    for low, high in zip(RANGES_HZ, (*RANGES_HZ[1:], EDGES_HZ[-1]), strict=True):
        part = spectra[:, (freqs > max(low, 0.05)) & (freqs <= high)]
        cross = (part @ part.conj().T).real
        size = np.sqrt(np.diag(cross)) + 1e-12
        out.append(cross / np.outer(size, size))
    return np.stack(out)


def wander_levels(recordings: Sequence[Recording]) -> np.ndarray:
    """Return (2,): mean and deviation over calibrated recordings of the log deviation (mV) below 0.5 Hz."""
    sos = signal.butter(2, 0.5, "low", fs=RATE_HZ, output="sos")
    logs = []
    for recording in recordings:
        trace = recording.study().content
        if getattr(trace, "units", "") == "mV":
            slow = signal.sosfiltfilt(sos, trace.samples[list(EIGHT)], axis=1)  # type: ignore[union-attr]
            logs.append(np.log(np.median(slow.std(axis=1)) + 1e-4))
    return np.array([np.mean(logs), np.std(logs)])


def draw_noise(arrays: dict[str, np.ndarray], n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (8, n) mV of noise at FS with one recording's own level, spectrum and growth and decline."""
    own = np.array([np.interp(rng.random(), SHARES, row) for row in arrays["noise_quantiles"]])
    log = (arrays["noise_mean"] + own @ arrays["noise_basis"]).reshape(8, -1)
    made = coloured(log, arrays["noise_leads"], 2 * n, rng)[:, :n]
    growth = np.exp(0.25 * _slow(n, 0.25, rng))
    return made * growth + _wander(arrays, n, rng) + _mains(n, rng)


def coloured(log: np.ndarray, lead_correlations: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (8, n) Gaussian noise at FS with log power density (8, bands) and lead correlations (ranges, 8, 8)."""
    freqs = np.fft.rfftfreq(n, 1 / FS)
    octave = np.log(np.maximum(freqs, 0.3))
    density = np.exp(np.stack([np.interp(octave, np.log(CENTRES_HZ), row) for row in log]))
    density *= np.where(freqs > EDGES_HZ[-2], (EDGES_HZ[-2] / np.maximum(freqs, 1.0)) ** FALL, 1.0)
    white = rng.standard_normal((8, freqs.size)) + 1j * rng.standard_normal((8, freqs.size))
    for i, low in enumerate(RANGES_HZ):
        high = (*RANGES_HZ[1:], np.inf)[i]
        part = (freqs > low) & (freqs <= high)
        white[:, part] = np.linalg.cholesky(lead_correlations[i] + 0.02 * np.eye(8)) @ white[:, part]
    white *= np.sqrt(density * FS * n / 4) * (freqs > 0.3)
    return np.fft.irfft(white, n, axis=1)


def _slow(n: int, hz: float, rng: np.random.Generator) -> np.ndarray:
    """Return (n,) a smooth Gaussian course of deviation 1 that changes at about `hz`."""
    knots = rng.standard_normal(int(n / FS * hz * 2) + 4)
    at = np.linspace(0, knots.size - 1.001, n)
    whole, part = at.astype(int), at % 1
    turn = 0.5 - 0.5 * np.cos(np.pi * part)
    return knots[whole] * (1 - turn) + knots[np.minimum(whole + 1, knots.size - 1)] * turn


def _wander(arrays: dict[str, np.ndarray], n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (8, n) mV slower than 0.5 Hz, at the level of the recordings, partly common to all leads."""
    mean, spread = arrays["wander"]
    level = 1.3 * np.exp(mean + spread * np.clip(rng.standard_normal(), -2, 1.5))
    common = _slow(n, 0.12, rng)
    return level * np.stack(
        [
            0.6 * rng.standard_normal() * common + 0.8 * np.exp(0.3 * rng.standard_normal()) * _slow(n, 0.12, rng)
            for _ in range(8)
        ]
    )


def _mains(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (8, n) mV of 50 Hz in some recordings."""
    if rng.random() > MAINS_SHARE:
        return np.zeros((8, n))
    t = np.arange(n) / FS
    wave = np.sin(2 * np.pi * 50.0 * t + rng.uniform(0, 2 * np.pi))
    return MAINS_MV * rng.uniform(0, 1) * rng.standard_normal((8, 1)) * wave
