"""Beat times, and the PPG that follows them.

The PPG pulse is a sum of three Gaussians (forward wave, reflected wave, dicrotic wave; after Rubins, Med Biol Eng
Comput 2008; the first rises faster than it falls), delayed by the pulse transit time, on the very beats of the ECG.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from engine.cohorts.synthetic.old_patients import NORMAL_BP, RAISED_BP, STAGE_1, STAGE_2, Patient

DURATION_S = 10.0
PPG_FS = 125.0
LEAD_IN_S = 3.0  # beats start before the recording, so that its first second is no special case

# Reflected-wave height and time after the systolic peak: stiffer arteries reflect earlier and more strongly.
REFLECTION = {NORMAL_BP: (0.42, 0.24), RAISED_BP: (0.48, 0.22), STAGE_1: (0.56, 0.20), STAGE_2: (0.62, 0.18)}


def beat_times(patient: Patient, rng: np.random.Generator) -> np.ndarray:
    """Return R-peak times in seconds, from -LEAD_IN_S to past the end; irregular in atrial fibrillation.

    Sinus rhythm: respiratory arrhythmia plus 1.5 % beat-to-beat variation. Fibrillation: independent gamma
    intervals with 20 % variation, never under 0.36 s (refractory node).
    """
    mean = 60.0 / patient.rate_bpm
    times = [-LEAD_IN_S + float(rng.random()) * mean]
    breath_hz, swing = rng.uniform(0.2, 0.3), 0.06 * max(0.2, 1 - patient.age / 90)
    while times[-1] < DURATION_S + 2:
        if "atrial fibrillation" in patient.condition.ecg:
            interval = max(0.36, mean * rng.gamma(25.0, 1 / 25.0))
        else:
            interval = mean * (1 + swing * np.sin(2 * np.pi * breath_hz * times[-1]) + 0.015 * rng.standard_normal())
        times.append(times[-1] + float(interval))
    return np.array(times)


def ppg_signal(patient: Patient, beats: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (n,) float64 PPG in arbitrary units around 0, PPG_FS Hz, DURATION_S long."""
    t = np.arange(int(DURATION_S * PPG_FS)) / PPG_FS
    transit = float(np.clip(0.30 - 0.0012 * patient.age + 0.01 * rng.standard_normal(), 0.15, 0.32))
    height, lag = REFLECTION[patient.pressure]
    signal = np.zeros_like(t)
    for beat, following in pairwise(beats):
        rr = following - beat
        stretch = np.clip(rr / 0.85, 0.55, 1.2) ** 0.5
        strength = np.clip(rr / 0.85, 0.5, 1.15) ** 0.4 * (1 + 0.02 * rng.standard_normal())
        for amplitude, centre, rise, fall in ((1.0, 0.0, 0.065, 0.10), (height, lag, 0.09, 0.09),
                                              (0.14, lag + 0.19, 0.08, 0.08)):
            after = t - beat - transit - stretch * centre
            width = stretch * np.where(after < 0, rise, fall)
            signal += strength * amplitude * np.exp(-0.5 * (after / width) ** 2)
    breath = 0.06 * np.sin(2 * np.pi * rng.uniform(0.2, 0.3) * t + rng.uniform(0, 2 * np.pi))
    return signal + breath + 0.006 * rng.standard_normal(t.size)
