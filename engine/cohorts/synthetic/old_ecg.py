"""A parametric 12-lead ECG: waves as moving heart vectors, seen by eight leads, the other four derived.

Each wave is a Gaussian in time with a direction in Frank's space (x left, y down, z back; mV). Dower's matrix
(Dower et al., Clin Cardiol 1980) projects it on I, II and V1–V6; III, aVR, aVL and aVF follow from I and II by
Einthoven and Goldberger, exactly, also in stored integers. A label changes the vectors, so it changes all leads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.cohorts.synthetic.old_patients import Patient
from engine.cohorts.synthetic.traces import DURATION_S

ECG_FS = 250.0
GAIN = 400  # stored units per mV; 12-bit storage then spans ±5.1 mV

# Rows I, II, V1 … V6; columns x, y, z.
DOWER = np.array([
    [0.632, -0.235, 0.059], [0.235, 1.066, -0.132],
    [-0.515, 0.157, -0.917], [0.044, 0.164, -1.387], [0.882, 0.098, -1.277],
    [1.213, 0.127, -0.601], [1.125, 0.127, -0.086], [0.831, 0.076, 0.230],
])


@dataclass(frozen=True)
class Wave:
    """One Gaussian: centre and width (standard deviation) in seconds after the R peak, vector in mV."""

    centre: float
    width: float
    vector: tuple[float, float, float]


Beat = dict[str, Wave]

# Timing and size as in textbooks of vectorcardiography; checked by eye on all twelve leads.
NORMAL: Beat = {
    "P": Wave(-0.160, 0.022, (0.06, 0.11, -0.02)),
    "septum": Wave(-0.024, 0.008, (-0.17, 0.00, -0.30)),
    "apex": Wave(0.000, 0.011, (1.05, 0.80, 0.15)),
    "base": Wave(0.026, 0.010, (-0.12, -0.12, 0.60)),
    "T onset": Wave(-0.060, 0.055, (0.08, 0.06, -0.07)),
    "T": Wave(0.000, 0.038, (0.26, 0.19, -0.16)),
}
T_AT = 0.290  # seconds after R at 60 beats per minute; moves with the square root of RR (Bazett)


def _hypertrophy(beat: Beat) -> Beat:
    """Large leftward and backward forces (Sokolow-Lyon > 3.5 mV), T against them (strain)."""
    return beat | {
        "apex": Wave(0.002, 0.013, (1.95, 0.55, 0.95)),
        "base": Wave(0.028, 0.011, (0.15, -0.25, 1.05)),
        "T onset": Wave(-0.060, 0.055, (-0.14, -0.02, -0.14)),
        "T": Wave(0.000, 0.038, (-0.26, -0.04, -0.24)),
    }


def _left_block(beat: Beat) -> Beat:
    """QRS of 150 ms without septal forces, slurred leftward and backward; ST and T opposite."""
    return beat | {
        "septum": Wave(-0.045, 0.016, (0.25, 0.10, 0.25)),
        "apex": Wave(-0.005, 0.021, (1.00, 0.40, 0.85)),
        "base": Wave(0.048, 0.020, (0.95, 0.05, 0.85)),
        "T onset": Wave(-0.090, 0.070, (-0.25, -0.05, -0.28)),
        "T": Wave(0.000, 0.045, (-0.30, -0.02, -0.34)),
    }


def _right_block(beat: Beat) -> Beat:
    """Late forces to the right and front (R' in V1, broad S in I and V6)."""
    late = Wave(0.066, 0.018, (-0.55, 0.05, -0.75))
    return beat | {"late": late, "T": Wave(0.0, 0.04, (0.26, 0.16, 0.10)), "base": replace(beat["base"], width=0.008)}


def _anteroseptal(beat: Beat) -> Beat:
    """No anterior forces (QS in V1–V3), raised ST and inverted T there."""
    return beat | {
        "septum": Wave(-0.018, 0.014, (0.10, 0.02, 0.75)),
        "apex": Wave(0.002, 0.012, (0.80, 0.70, 0.62)),
        "base": Wave(0.028, 0.011, (-0.02, -0.08, 0.50)),
        "ST": Wave(0.110, 0.045, (0.02, 0.02, -0.16)),
        "T": Wave(0.000, 0.040, (0.00, 0.10, 0.22)),
    }


def _inferior(beat: Beat) -> Beat:
    """First 40 ms upward (Q in II, III, aVF), inverted T there."""
    return beat | {
        "septum": Wave(-0.026, 0.013, (0.10, -0.55, -0.28)),
        "apex": Wave(0.004, 0.011, (1.05, 0.45, 0.10)),
        "T": Wave(0.000, 0.040, (0.26, -0.22, -0.14)),
        "T onset": Wave(-0.060, 0.055, (0.06, -0.03, -0.05)),
    }


def _fibrillation(beat: Beat) -> Beat:
    """No P wave; the f waves are added as a continuous signal."""
    return {name: wave for name, wave in beat.items() if name != "P"}


MORPHOLOGY = {
    "left ventricular hypertrophy": _hypertrophy,
    "complete left bundle branch block": _left_block,
    "complete right bundle branch block": _right_block,
    "anteroseptal myocardial infarction": _anteroseptal,
    "inferior myocardial infarction": _inferior,
    "atrial fibrillation": _fibrillation,
}


def draw_beat(labels: tuple[str, ...], rng: np.random.Generator) -> Beat:
    """Return the beat that the labels ask for, with this patient's own sizes, widths and electrical axis."""
    beat = NORMAL
    for label in labels:
        beat = MORPHOLOGY.get(label, lambda same: same)(beat)
    turn = _rotation(np.deg2rad(rng.normal(0, 9)), np.deg2rad(rng.normal(0, 9)))
    size = float(np.clip(rng.normal(1.0, 0.10), 0.8, 1.2))
    varied: Beat = {}
    for name, wave in beat.items():
        vector = turn @ np.array(wave.vector) * size * (1 + 0.07 * rng.standard_normal(3))
        varied[name] = Wave(wave.centre, wave.width * (1 + 0.05 * rng.standard_normal()), tuple(vector.tolist()))
    return varied


def heart_vector(beat: Beat, beats: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return (3, n) mV: the sum of every wave of every beat at the times t (seconds)."""
    vector = np.zeros((3, t.size))
    rr = np.diff(beats, prepend=2 * beats[0] - beats[1])
    for at, before in zip(beats, np.clip(rr, 0.4, 1.5), strict=True):
        for name, wave in beat.items():
            scale = np.sqrt(before) if name.startswith("T") or name == "ST" else 1.0
            centre = at + (wave.centre + T_AT * name.startswith("T")) * scale
            if name == "P":  # atrioventricular conduction shortens a little with rate
                centre = at + wave.centre * np.clip(before, 0.6, 1.1) ** 0.3
            vector += np.outer(wave.vector, np.exp(-0.5 * ((t - centre) / (wave.width * scale)) ** 2))
    return vector


def ecg_signal(patient: Patient, beats: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (12, n) int16 at ECG_FS, GAIN units per mV, leads in ECG_LEADS order.

    I and II are rounded to even units, so that the four derived leads are whole numbers and hold exactly.
    """
    t = np.arange(int(DURATION_S * ECG_FS)) / ECG_FS
    vector = heart_vector(draw_beat(patient.condition.ecg, rng), beats, t)
    if "atrial fibrillation" in patient.condition.ecg:
        vector += _f_waves(t, rng)
    eight = DOWER @ vector + _noise(t, rng)
    limb = 2 * np.round(eight[:2] * GAIN / 2).astype(np.int64)
    chest = np.round(eight[2:] * GAIN).astype(np.int64)
    return np.clip(np.vstack([twelve_from(limb), chest]), -2047, 2047).astype(np.int16)


def twelve_from(limb: np.ndarray) -> np.ndarray:
    """Return the six limb leads (6, n) from even integers I and II (2, n): III = II − I and Goldberger's three."""
    i, ii = limb
    return np.vstack([i, ii, ii - i, -(i + ii) // 2, i - ii // 2, ii - i // 2])


def _rotation(frontal: float, horizontal: float) -> np.ndarray:
    """Return the (3, 3) turn in the frontal plane (x, y), then in the horizontal plane (x, z); radians."""
    cf, sf, ch, sh = np.cos(frontal), np.sin(frontal), np.cos(horizontal), np.sin(horizontal)
    return np.array([[ch, 0, -sh], [0, 1, 0], [sh, 0, ch]]) @ np.array([[cf, -sf, 0], [sf, cf, 0], [0, 0, 1]])


def _f_waves(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (3, n) mV fibrillatory activity: 5–7.5 Hz with wandering phase, strongest towards V1."""
    frequency = rng.uniform(5.0, 7.5)
    phase = 2 * np.pi * frequency * t + 1.2 * np.cumsum(rng.standard_normal(t.size)) / np.sqrt(ECG_FS)
    wave = np.sin(phase) + 0.35 * np.sin(2 * phase + 1.0)
    return np.outer((-0.015, 0.05, -0.055), wave * rng.uniform(0.7, 1.3))


def _noise(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (8, n) mV: slow baseline wander, a trace of 50 Hz, and muscle noise, per electrode."""
    wander = np.zeros((8, t.size))
    for frequency in rng.uniform(0.15, 0.4, 2):
        wander += rng.normal(0, 0.025, (8, 1)) * np.sin(2 * np.pi * frequency * t + rng.uniform(0, 6.28, (8, 1)))
    hum = rng.uniform(0, 0.004) * np.sin(2 * np.pi * 50 * t + rng.uniform(0, 6.28))
    return wander + hum + rng.normal(0, 0.008, (8, t.size))
