"""Which samples of a trace belong to which wave: P, QRS and T of an ECG, systole and dicrotic part of a pulse.

Waves of an ECG are found in one lead by neurokit2's wavelets (Martínez et al., IEEE Trans Biomed Eng 2004) and hold for
all leads, since they are the same beats. A pulse is cut at its notch, or where it has fallen by a half.
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import numpy as np

ECG_WAVES = ("P", "QRS", "T")
PULSE_WAVES = ("systole", "dicrotic")
REST = "between"  # what belongs to no wave
LEADS_TRIED = (1, 0, 10, 6, 7, 8, 9, 11, 5, 3, 2, 4)  # II, I, V5, V1 …: places in ECG_LEADS
DELINEATED_HZ = 500.0
MIN_BEATS = 2
EDGES = {"P": ("ECG_P_Onsets", "ECG_P_Offsets"), "T": ("ECG_T_Onsets", "ECG_T_Offsets")}
LONGEST_S = {"P": 0.25, "QRS": 0.25, "T": 0.5}  # a longer wave is two that were taken for one
QRS_S = (0.06, 0.08)  # around the R peak where its edges were not found


def ecg_waves(x: np.ndarray, fs: float) -> np.ndarray | None:
    """Return which wave each sample of an ECG x (12, n) is of: (n,) int, 0 between waves, else 1 + its place in
    ECG_WAVES. None where no lead gives beats.
    """
    for lead in LEADS_TRIED:
        if lead < len(x) and np.ptp(x[lead]) > 0:
            found = _delineated(x[lead].astype(np.float64), fs)
            if found is not None:
                return found
    return None


def _delineated(row: np.ndarray, fs: float) -> np.ndarray | None:
    import neurokit2 as nk

    from engine.signals import resample

    fine = resample(row[None], fs, DELINEATED_HZ)[0].astype(np.float64)
    hz = int(DELINEATED_HZ)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _, peaks = nk.ecg_peaks(fine, sampling_rate=hz)
            if len(peaks["ECG_R_Peaks"]) < MIN_BEATS:
                return None
            _, edges = nk.ecg_delineate(fine, peaks, sampling_rate=hz, method="dwt")
        except (ValueError, IndexError, ZeroDivisionError, KeyError, TypeError):  # neurokit2 on a trace without beats
            return None
    out, step = np.zeros(len(row), np.int64), fs / DELINEATED_HZ
    for number, name in ((1, "P"), (3, "T")):
        starts, ends = (_places(edges.get(key)) for key in EDGES[name])
        for start, end in zip(starts, ends, strict=False):
            _mark(out, number, start * step, end * step, LONGEST_S[name] * fs)
    starts, ends = _places(edges.get("ECG_R_Onsets")), _places(edges.get("ECG_R_Offsets"))
    for at, peak in enumerate(np.asarray(peaks["ECG_R_Peaks"], float)):
        start = starts[at] if at < len(starts) and np.isfinite(starts[at]) else peak - QRS_S[0] * hz
        end = ends[at] if at < len(ends) and np.isfinite(ends[at]) else peak + QRS_S[1] * hz
        _mark(out, 2, start * step, end * step, LONGEST_S["QRS"] * fs)
    return out


def _places(found: Any) -> np.ndarray:
    return np.asarray([] if found is None else found, np.float64)


def _mark(out: np.ndarray, number: int, start: float, end: float, longest: float) -> None:
    if np.isfinite(start) and np.isfinite(end) and 0 < end - start <= longest:
        out[max(0, round(start)) : round(end) + 1] = number


def pulse_beats(row: np.ndarray, fs: float) -> list[tuple[int, int, int]]:
    """Return (start, notch, end) in samples of every whole beat of a pulse (n,): from foot to foot.

    The notch is the second derivative's largest rise on the way down (Elgendi, Curr Cardiol Rev 2012), between 0.15
    and 0.45 s after the systolic peak's foot; where there is none, the middle of the beat.
    """
    from engine.intake.quality.beats import upstrokes

    strokes = upstrokes(row.astype(np.float64), fs)
    reach = max(1, round(0.3 * fs))
    feet = [max(0, at - reach) + int(np.argmin(row[max(0, at - reach) : at + 1])) for at in strokes]
    feet = sorted(set(feet))
    bend = np.gradient(np.gradient(row.astype(np.float64)))
    beats = []
    for start, end in pairwise(feet):
        peak = start + int(np.argmax(row[start:end]))
        first, last = peak + round(0.06 * fs), min(end, start + round(0.55 * fs))
        notch = first + int(np.argmax(bend[first:last])) if last - first > 2 else (start + end) // 2
        beats.append((start, notch, end))
    return beats
