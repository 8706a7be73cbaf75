"""Traces → shapes by which copies are found: the typical beat or pulse, and the whole trace at any shift.

Traces come as the encoders see them: z-scored per lead and band-passed, ECG at 100 Hz, PPG at 125 Hz.
"""

from __future__ import annotations

import numpy as np

from engine.synthetic.checks.memorisation import MAX_SHIFT

INDEPENDENT = (0, 1, 6, 7, 8, 9, 10, 11)  # I, II and V1–V6; the other four follow from I and II
BEFORE_S, AFTER_S = 0.3, 0.5  # of a beat around its R peak, of a pulse around its systolic peak
MIN_BEATS = 2  # beats that a typical one needs


def r_peaks(x: np.ndarray, fs: float) -> np.ndarray:
    """Return R peaks of an ECG (12, n): sample numbers, found by NeuroKit2 (Makowski et al. 2021) in the first lead
    of II, I, V2 and V5 that gives FEWEST; empty where none does."""
    import neurokit2 as nk

    for lead in (1, 0, 7, 10):
        found = _quietly(lambda lead=lead: nk.ecg_findpeaks(x[lead].astype(float), fs)["ECG_R_Peaks"])
        if len(found) >= MIN_BEATS:
            return found
    return np.zeros(0, int)


def systolic_peaks(x: np.ndarray, fs: float) -> np.ndarray:
    """Return systolic peaks of a PPG (n,): sample numbers, by Elgendi et al. 2013 in NeuroKit2."""
    import neurokit2 as nk

    return _quietly(lambda: nk.ppg_findpeaks(x.astype(float), fs)["PPG_Peaks"])


def _quietly(find) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return found peaks; none where the detector gives up on a flat or broken trace."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return np.asarray(find(), int)
        except (ValueError, IndexError, ZeroDivisionError):
            return np.zeros(0, int)


def typical(x: np.ndarray, peaks: np.ndarray, fs: float, min_beats: int = MIN_BEATS) -> np.ndarray:
    """Return the median beat (leads, BEFORE_S + AFTER_S) of a trace (leads, n); zeros where there are too few."""
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    whole = peaks[(peaks >= before) & (peaks + after <= x.shape[1])]
    if len(whole) < min_beats:
        return np.zeros((len(x), before + after), np.float32)
    return np.median([x[:, p - before : p + after] for p in whole], axis=0).astype(np.float32)


def coarse(x: np.ndarray, step: int) -> np.ndarray:
    """Average every `step` samples: (n, leads, t) → (n, leads, t // step)."""
    cut = x[..., : x.shape[-1] // step * step]
    return cut.reshape(*cut.shape[:-1], -1, step).mean(-1).astype(np.float32)


def level(x: np.ndarray) -> np.ndarray:
    """Return traces (n, leads, t) with each lead mean-free and each trace of length 1; a flat one stays 0."""
    centred = x - x.mean(-1, keepdims=True)
    length = np.sqrt((centred**2).sum((1, 2), keepdims=True))
    return (centred / np.where(length > 1e-9, length, 1.0)).astype(np.float32)


def beat_cosines(queries: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Typical beats (q, leads, t), (n, leads, t) → best cosine over shifts of up to REACH samples, (q, n)."""
    inner = targets.shape[-1] - 2 * MAX_SHIFT
    middle = level(targets[..., MAX_SHIFT : MAX_SHIFT + inner]).reshape(len(targets), -1)
    best = np.full((len(queries), len(targets)), -1.0, np.float32)
    for shift in range(2 * MAX_SHIFT + 1):
        moved = level(queries[..., shift : shift + inner]).reshape(len(queries), -1)
        np.maximum(best, moved @ middle.T, out=best)
    return best


def wave_cosines(queries: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Whole traces (q, leads, t), (n, leads, t) → largest cross-correlation over all lags, (q, n).

    Leads move together; what a lag leaves without partner counts as nothing, so a trace cut 1 s later reaches 0.9.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(2 * targets.shape[-1], real=True)
    there = rfft(level(targets), size, axis=-1)
    best = np.zeros((len(queries), len(targets)), np.float32)
    for i, query in enumerate(rfft(level(queries), size, axis=-1)):
        together = np.einsum("lf,nlf->nf", query.conj(), there)
        best[i] = irfft(together, size, axis=-1).max(-1)
    return best
