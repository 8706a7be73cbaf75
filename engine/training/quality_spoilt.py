"""What the gate must refuse of real recordings: traces spoilt as sensors, movement and software spoil them.

The whole stretch is spoilt, for a long recording is judged by its best ten seconds. Evaluation and tests use this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engine import signals
from engine.study import PPG_LEAD, Trace

MOVEMENT_HZ = (0.5, 8.0)
MOVEMENT, NOISE = 3.0, 2.0  # times the deviation of the recording itself
JUMP_EVERY_S = 0.7
CUT_OFF = 0.25  # share of the values that is cut off on either side
LEFT_S = 0.2  # of the signal, at the beginning of a stretch whose sensor then fell off


def moved(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """The recording under movement in its own band, three times as high. row : (n,) → (n,)."""
    top = min(MOVEMENT_HZ[1], signals.NYQUIST_SHARE * fs)
    movement = signals.band_pass(rng.normal(size=(1, row.size)), fs, MOVEMENT_HZ[0], top)[0]
    return row + MOVEMENT * row.std() * movement / max(float(movement.std()), np.finfo(float).tiny)


def noisy(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """The recording under white noise, twice as high."""
    return row + NOISE * row.std() * rng.normal(size=row.size)


def surrogate(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Noise coloured like the recording: its spectrum, with random phases (Theiler et al. 1992)."""
    spectrum = np.abs(np.fft.rfft(row - row.mean()))
    return np.fft.irfft(spectrum * np.exp(2j * np.pi * rng.random(spectrum.size)), n=row.size)


def jumping(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """The recording on a baseline that jumps every 0.7 s by several of its heights."""
    steps = np.arange(row.size) / fs // JUMP_EVERY_S
    return row + 4.0 * np.ptp(row) * rng.normal(size=int(steps[-1]) + 1)[steps.astype(int)]


def cut_off(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """The recording without its upper and lower quarter."""
    return np.clip(row, *np.quantile(row, (CUT_OFF, 1.0 - CUT_OFF)))


def half_missing(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """The recording with one half missing."""
    gone = np.arange(row.size) < row.size // 2
    return np.where(gone if rng.random() < 0.5 else ~gone, np.nan, row)


def fallen_off(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """A fifth of a second of the recording, then one value."""
    return np.where(np.arange(row.size) < LEFT_S * fs, row, row[0])


def unplugged(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """The last bits of a converter without a sensor."""
    return np.rint(0.7 * rng.normal(size=row.size))


def lead_off(row: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Wander and mains hum of an open input."""
    t = np.arange(row.size) / fs
    wander = np.cumsum(rng.normal(size=row.size))
    return wander / max(float(wander.std()), 1e-9) + np.sin(2 * np.pi * (50.0 * t + rng.random()))


SPOILERS: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "moved": moved,
    "white noise on top": noisy,
    "noise of its own colour": surrogate,
    "jumping baseline": jumping,
    "cut off on both sides": cut_off,
    "half missing": half_missing,
    "sensor fell off": fallen_off,
    "sensor unplugged": unplugged,
    "lead off": lead_off,
}


def spoilt_traces(trace: Trace, rng: np.random.Generator) -> dict[str, Trace]:
    """Return name → the same trace spoilt in every lead; trace : without gaps, the stretch that is searched."""
    return {
        name: replace(trace, samples=np.stack([spoil(row, trace.fs, rng) for row in trace.samples]).astype(np.float32))
        for name, spoil in SPOILERS.items()
    }


def taken_for_another(trace: Trace) -> Trace:
    """Return a pulse as if it were lead II of an ECG, and lead II of an ECG as if it were a pulse."""
    if trace.leads == (PPG_LEAD,):
        return replace(trace, leads=("II",))
    row = trace.leads.index("II") if "II" in trace.leads else 0
    return replace(trace, samples=trace.samples[row : row + 1], leads=(PPG_LEAD,))
