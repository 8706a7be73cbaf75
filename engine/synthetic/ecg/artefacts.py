"""What belongs to the recording and not to the heart: wander, muscle, mains, a popping electrode, exchanged electrodes.

Noise arises at electrodes, so it is added to their potentials: what the right arm picks up is in I and II, not in III.
Exchanged electrodes follow exactly from the leads by Einthoven, Goldberger and Wilson (Kligfield et al. (AHA/ACC/HRS),
J Am Coll Cardiol 49:1109, 2007; Batchvarov et al., Europace 9:1081, 2007), on stored integers.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from engine.study import ECG_LEADS
from engine.synthetic.ecg.leads import FS, LIMIT, limb_leads

ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")
CHEST_ROW = ECG_LEADS.index("V1")


def artefact(name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (8, n) mV of an artefact of EcgDetails in I, II, V1 … V6."""
    kinds = {"baseline wander": _wander, "muscle": _muscle, "electrode pop": _pop}
    made = kinds[name](n, rng) if name in kinds else _mains(n, rng, 50.0 if "50" in name else 60.0)
    return in_leads(made)


def in_leads(electrodes: np.ndarray) -> np.ndarray:
    """Return I, II, V1 … V6 (8, n) of potentials (9, n) at ELECTRODES."""
    ra, la, ll = electrodes[:3]
    return np.vstack([la - ra, ll - ra, electrodes[3:] - (ra + la + ll) / 3])


def swapped(samples: np.ndarray, pair: str) -> np.ndarray:
    """Return stored leads (12, n) int16 as they are recorded with two electrodes exchanged, e.g. "RA/LA", "V1/V2"."""
    first, second = pair.split("/")
    whole = samples.astype(np.int64)
    if first.startswith("V"):
        rows = [ECG_LEADS.index(first), ECG_LEADS.index(second)]
        whole[rows] = whole[rows[::-1]]
        return whole.astype(np.int16)
    i, ii, iii = whole[:3]
    two = {"RA/LA": (-i, iii), "RA/LL": (-iii, -ii), "LA/LL": (ii, i), "RA/RL": (-iii, np.zeros_like(ii))}[pair]
    chest = whole[CHEST_ROW:]
    if pair == "RA/RL":  # both legs have one potential: the right arm's place in Wilson's terminal is taken by it
        chest = chest - np.round(ii / 3).astype(np.int64)
    return np.clip(np.vstack([limb_leads(np.stack(two)), chest]), -LIMIT, LIMIT).astype(np.int16)


def _wander(n: int, rng: np.random.Generator) -> np.ndarray:
    """Slow drift of every electrode with the breath, 0.15 to 0.45 Hz."""
    t, hz = np.arange(n) / FS, rng.uniform(0.18, 0.4)
    size = rng.uniform(0.15, 0.45) * np.exp(0.4 * rng.standard_normal((9, 1)))
    phase = rng.uniform(0, 2 * np.pi) + 0.5 * rng.standard_normal((9, 1))
    return size * (np.sin(2 * np.pi * hz * t + phase) + 0.5 * np.sin(2 * np.pi * 0.37 * hz * t + 2 * phase))


def _muscle(n: int, rng: np.random.Generator) -> np.ndarray:
    """Tremor of arms (most) and chest: noise of 20 to 150 Hz that comes and goes."""
    sos = butter(2, (20.0, 150.0), "bandpass", fs=FS, output="sos")
    noise = sosfiltfilt(sos, rng.standard_normal((9, n)), axis=1)
    noise /= noise.std(axis=1, keepdims=True)
    swell = 1 + 0.6 * np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * np.arange(n) / FS + rng.uniform(0, 2 * np.pi, (9, 1)))
    arm = np.array([1.0, 0.9, 0.4, 0.35, 0.25, 0.25, 0.3, 0.35, 0.4])[:, None]
    return rng.uniform(0.05, 0.09) * arm * swell * noise


def _mains(n: int, rng: np.random.Generator, hz: float) -> np.ndarray:
    """Hum of every electrode at its own height, with a third harmonic."""
    t = np.arange(n) / FS
    phase = rng.uniform(0, 2 * np.pi)
    size = rng.uniform(0.04, 0.08) * rng.uniform(0.2, 1.4, (9, 1)) * rng.choice([-1.0, 1.0], (9, 1))
    return size * (np.sin(2 * np.pi * hz * t + phase) + 0.2 * np.sin(2 * np.pi * 3 * hz * t + 3 * phase))


def _pop(n: int, rng: np.random.Generator) -> np.ndarray:
    """One to three sudden shifts of one electrode's potential that die away within a second."""
    out, t = np.zeros((9, n)), np.arange(n) / FS
    electrode = int(rng.choice(9, p=[0.2] * 3 + [0.4 / 6] * 6))  # limb electrodes dry out first
    for _ in range(int(rng.integers(1, 4))):
        after = t - rng.uniform(0.5, n / FS - 0.8)
        size = rng.choice([-1.0, 1.0]) * rng.uniform(0.8, 2.2)
        out[electrode] += size * np.where(after >= 0, np.exp(-np.maximum(after, 0) / rng.uniform(0.15, 0.45)), 0.0)
    return out
