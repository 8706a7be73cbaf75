"""One recording → its median beat: find R peaks on all leads together, align, leave out beats that differ, average.

Only fitting reads recordings; nothing of a recording but statistics over many reaches the model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from engine.synthetic.ecg.leads import EIGHT, FS

LOW_HZ = 0.5  # the z-scored recordings lack what is slower; above, they end at 40 Hz, the others near 50 Hz
BEFORE, AFTER = round(0.42 * FS), round(0.70 * FS)  # samples of a beat before and after R
MIN_CORRELATION = 0.85  # correlation with the median beat from which on a beat counts as one of its kind
MIN_BEATS = 3  # beats


@dataclass(frozen=True, eq=False)
class Beat:
    """A recording's median beat and what it was taken from.

    eight  : (8, BEFORE + AFTER) in the recording's units at FS, R at BEFORE, baseline 0 just before the QRS
    r      : (k,) R peaks of all beats, samples at FS
    alike  : (k,) bool, the beats that were averaged
    clean  : (8, n) the recording at FS without what is slower than LOW_HZ
    """

    eight: np.ndarray
    r: np.ndarray
    averaged: np.ndarray
    clean: np.ndarray

    @property
    def rr_s(self) -> float:
        """Median RR interval in seconds."""
        return float(np.median(np.diff(self.r)) / FS)


def at_500(samples: np.ndarray, fs: float) -> np.ndarray:
    """Return the eight independent leads (8, n) at 500 Hz, from 0.5 Hz on, without phase shift, of (12, m) at fs."""
    sos = signal.butter(1, LOW_HZ, "highpass", fs=fs, output="sos")
    clean = signal.sosfiltfilt(sos, samples[list(EIGHT)], axis=1, padlen=round(2 * fs))
    return signal.resample_poly(clean, round(FS / fs), 1, axis=1, padtype="line")


def magnitude(eight: np.ndarray) -> np.ndarray:
    """Root mean square over leads, each lead first divided by its own deviation: (8, n) → (n,)."""
    scale = eight.std(axis=1, keepdims=True) + 1e-9
    return np.sqrt(((eight / scale) ** 2).mean(axis=0))


def r_peaks(eight: np.ndarray) -> np.ndarray:
    """Return R peaks (k,) in samples: NeuroKit2's gradient detector on the QRS band of all leads together."""
    import neurokit2 as nk

    sos = signal.butter(2, (5.0, 25.0), "bandpass", fs=FS, output="sos")
    energy = magnitude(signal.sosfiltfilt(sos, eight, axis=1))
    return np.asarray(nk.ecg_peaks(energy, sampling_rate=int(FS))[1]["ECG_R_Peaks"], dtype=int)


def windows(eight: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return (k, 8, BEFORE + AFTER) stretches around R; outside the recording NaN."""
    padded = np.pad(eight, ((0, 0), (BEFORE, AFTER)), constant_values=np.nan)
    return np.stack([padded[:, at : at + BEFORE + AFTER] for at in r])


def aligned(eight: np.ndarray, r: np.ndarray, reach: int = 20) -> np.ndarray:
    """Return R peaks moved by up to `reach` samples to where each beat's QRS fits the median QRS best."""
    core = slice(BEFORE - 40, BEFORE + 50)
    kept = r[(r > 90) & (r < eight.shape[1] - 90)]
    for _ in range(2):
        middle = np.nanmedian(windows(eight, kept), axis=0)[:, core]
        middle = middle / (np.linalg.norm(middle, axis=1, keepdims=True) + 1e-9)
        scale = eight.std(axis=1, keepdims=True) + 1e-9
        moved = []
        for at in kept:
            start = at + core.start - BEFORE
            part = eight[:, max(0, start - reach) : start + middle.shape[1] + reach] / scale
            fit = sum(np.correlate(row, ref, "valid") for row, ref in zip(part, middle, strict=True))
            moved.append(at + int(np.argmax(fit)) - min(reach, start))
        kept = np.unique(np.clip(moved, 60, eight.shape[1] - 60))
    return kept


def likeness(parts: np.ndarray) -> np.ndarray:
    """Return (k,) the correlation of each beat's QRS with the median QRS, over all leads together."""
    core = parts[:, :, BEFORE - 40 : BEFORE + 50]
    middle = np.nanmedian(core, axis=0)
    scale = middle.std(axis=1, keepdims=True) + 1e-9
    ref = (middle / scale).ravel()
    return np.array([np.corrcoef(np.nan_to_num(beat / scale).ravel(), ref)[0, 1] for beat in core])


def median_beat(samples: np.ndarray, fs: float) -> Beat | None:
    """Return the median beat of twelve leads (12, n), or None where no three beats are alike."""
    eight = at_500(samples, fs)
    if not np.isfinite(eight).all() or (eight.std(axis=1) < 1e-6).any():
        return None
    r = r_peaks(eight)
    if r.size < MIN_BEATS:
        return None
    r = aligned(eight, r)
    if r.size < MIN_BEATS:
        return None
    parts = windows(eight, r)
    alike = likeness(parts) > MIN_CORRELATION
    if alike.sum() < MIN_BEATS:
        return None
    middle = np.nanmedian(parts[alike], axis=0)
    shift = int(np.argmax(magnitude(middle)[BEFORE - 30 : BEFORE + 30])) - 30
    r = r + shift
    middle = np.nan_to_num(np.nanmedian(windows(eight, r)[alike], axis=0))
    return Beat(middle, r, alike, eight)
