"""What the sensor adds to the pulse: noise, now and then a movement, and whole numbers."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from engine.synthetic.ppg.beats import FS

MAX_NOISE = 0.05  # share of the pulse height; the noisiest clips of PPG-BP have it
LOW_PASS_HZ = {"camera": 11.0, "monitor": 18.0}  # a 30 Hz camera and a bedside oximeter pass nothing above
MOVED_SHARE = {"clip": 0.05, "monitor": 0.08, "camera": 0.15}  # recordings with a small movement
MOVEMENT = (0.15, 0.45)  # its height, share of the pulse's
MOVEMENT_S = (0.5, 1.4)
DRIFT = {"clip": 0.05, "monitor": 0.04, "camera": 0.35}  # slope over 10 s, share of the pulse's height
OFFSET, TOP = 500, 999  # counts; three digits keep the file small
COUNTS, COUNTS_SPREAD = 330.0, 0.35  # typical pulse height and its log deviation


def disturbance(n: int, noise: np.ndarray, style: str, rng: np.random.Generator) -> np.ndarray:
    """Return drift, now and then a movement, and noise of (mean, deviation) log level: (n,), of pulse height."""
    level = min(MAX_NOISE, float(np.exp(noise[0] + noise[1] * rng.standard_normal())))
    t = np.linspace(-1, 1, n)
    x = DRIFT[style] * (rng.standard_normal() * t + 0.7 * rng.standard_normal() * (1.5 * t**2 - 0.5))
    if rng.random() < MOVED_SHARE[style]:
        x = x + movement(n, rng)
    return x + level * rng.standard_normal(n)


def sensed(x: np.ndarray, style: str) -> np.ndarray:
    """Pass a trace (n,) through the style's own low-pass, if it has one."""
    return low_passed(x, LOW_PASS_HZ[style]) if style in LOW_PASS_HZ else x


def movement(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return one movement of the finger in n samples: a slow push with a tremor on it, both fading in and out."""
    t = np.arange(n) / FS
    length, middle = rng.uniform(*MOVEMENT_S), rng.uniform(1.5, n / FS - 1.5)
    window = np.exp(-0.5 * ((t - middle) / (length / 2.5)) ** 2)
    tremor = 0.35 * np.sin(2 * np.pi * rng.uniform(2.5, 5.0) * t + rng.uniform(0, 2 * np.pi))
    return rng.uniform(*MOVEMENT) * rng.choice([-1.0, 1.0]) * window * (1 + tremor)


def low_passed(x: np.ndarray, high_hz: float) -> np.ndarray:
    """Zero-phase low-pass of second order. (n,) → (n,)."""
    return np.asarray(sosfiltfilt(butter(2, high_hz, fs=FS, output="sos"), x))


def digitised(x: np.ndarray, gain: float) -> np.ndarray:
    """Return whole counts (n,) between 0 and TOP at `gain` counts a pulse height, less where it would not fit."""
    x = x - (x.max() + x.min()) / 2
    gain = min(gain, 0.96 * OFFSET / np.abs(x).max())
    return np.clip(np.round(OFFSET + gain * x), 0, TOP).astype(np.int64)
