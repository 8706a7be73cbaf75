"""Do the traces of an encounter agree: heart rates over the same beats, limb leads, and what the report names.

Peaks come from NeuroKit2 (Makowski et al. 2021, Behav Res Methods 53:1689); pulses by Elgendi et al. 2013.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from engine.metrics.heart_rate import heart_rate
from engine.signals import band_pass
from engine.study import ECG_LEADS, Trace

TRANSIT_S = (0.05, 0.8)  # after an R peak within which its systolic peak may lie
RATE_LIMIT_BPM = 2.0
QRS_BAND_HZ = (5.0, 25.0)
QRS_PAD = 15  # samples by which the ends are extended for filtering: scipy's own choice for this filter
T_SHARE = 0.4  # a peak below this share of the usual height is a T wave


def ecg_peak_times(trace: Trace) -> np.ndarray:
    """Return R peaks in seconds, found in the QRS band of all leads together: one lead may hide a QRS or double it."""
    import neurokit2 as nk

    rows = band_pass(trace.samples.astype(float), trace.fs, *QRS_BAND_HZ, pad=QRS_PAD)
    energy = np.sqrt(((rows / (rows.std(axis=1, keepdims=True) + 1e-9)) ** 2).mean(axis=0))
    peaks = np.asarray(nk.ecg_findpeaks(energy, sampling_rate=round(trace.fs))["ECG_R_Peaks"], int)
    tall = energy[peaks] > T_SHARE * np.quantile(energy[peaks], 0.75) if peaks.size else np.zeros(0, bool)
    return peaks[tall] / trace.fs


def ppg_peak_times(trace: Trace) -> np.ndarray:
    """Return systolic peaks in seconds."""
    import neurokit2 as nk

    fs = round(trace.fs)
    clean = nk.ppg_clean(trace.samples[0].astype(float), sampling_rate=fs)
    return np.asarray(nk.ppg_findpeaks(clean, sampling_rate=fs)["PPG_Peaks"], float) / fs


def rates_over_same_beats(r: np.ndarray, pulse: np.ndarray) -> tuple[float, float, float]:
    """Return heart rate by ECG and by PPG (per minute) and the spread of the transit time (s), over the same beats.

    r, pulse (seconds): the stretch runs from the first to the last pulse that follows an R peak within TRANSIT_S, and
    from the R peak before the former to that before the latter; each side counts its own peaks. NaN without two.
    """
    before = np.searchsorted(r, pulse - TRANSIT_S[0], side="right") - 1
    known = before >= 0
    transit = np.where(known, pulse - r[np.maximum(before, 0)] if len(r) else np.nan, np.nan)
    followed = np.flatnonzero(known & (transit <= TRANSIT_S[1]))
    if len(followed) < 2 or before[followed[-1]] <= before[followed[0]]:
        return float("nan"), float("nan"), float("nan")
    first, last = followed[0], followed[-1]
    heart = heart_rate(r[before[first] : before[last] + 1], statistic="mean")
    pulses = heart_rate(pulse[first : last + 1], statistic="mean")
    return heart, pulses, float(np.std(transit[followed]))


def limb_residual(samples: np.ndarray) -> float:
    """Return the largest departure from Einthoven's and Goldberger's relations, in the samples' own units.

    samples (12, n) in ECG_LEADS order: I + III = II, 2·aVR = −(I + II), 2·aVL = 2·I − II, 2·aVF = 2·II − I.
    """
    i, ii, iii, avr, avl, avf = samples[:6].astype(np.float64)
    gaps = (i + iii - ii, avr + (i + ii) / 2, avl - i + ii / 2, avf - ii + i / 2)
    return float(max(np.abs(gap).max() for gap in gaps))


def stored_samples(header: Path) -> np.ndarray | None:
    """Return the integers of a WFDB record, (12, n) in ECG_LEADS order, or None where it lacks a lead."""
    import wfdb

    record = wfdb.rdrecord(str(header.with_suffix("")), physical=False)
    alike = len(set(record.adc_gain)) == 1 and len(set(record.baseline)) == 1
    if not alike or set(record.sig_name) != set(ECG_LEADS):
        return None
    order = [record.sig_name.index(lead) for lead in ECG_LEADS]
    return record.d_signal.T[order].astype(np.int64) - record.baseline[0]


def names(report: str, label: str) -> bool:
    """Say whether a report names a label: by its own words, or by a pattern or phrase of a finding it means."""
    from engine.findings import findings_of_label, vocabulary

    text = report.lower()
    if label.lower() in text:
        return True
    entries = [vocabulary()[finding] for finding in findings_of_label(label)]
    phrases = [phrase.lower() for entry in entries for phrase in entry["phrases"]]
    patterns = [pattern for entry in entries for pattern in entry["patterns"]]
    return any(p in text for p in phrases) or any(re.search(p, text) for p in patterns)


def rate_figures(ecg: Iterable[float], other: Iterable[float], ids: Iterable[str]) -> dict[str, Any]:
    """Return how many rates agree within RATE_LIMIT_BPM, and the worst; unknown rates count as disagreeing."""
    gap = np.abs(np.array(list(ecg)) - np.array(list(other)))
    which, listed = np.nan_to_num(gap, nan=np.inf), list(ids)
    if not len(gap):
        return {"n": 0}
    worst = int(which.argmax())
    apart = [listed[i] for i in np.flatnonzero(which > RATE_LIMIT_BPM)]
    known = gap[~np.isnan(gap)]
    return {
        "n": len(gap),
        "within": int((which <= RATE_LIMIT_BPM).sum()),
        "share": float((which <= RATE_LIMIT_BPM).mean()),
        "median": float(np.median(known)) if len(known) else None,
        "worst": float(which[worst]) if np.isfinite(which[worst]) else None,
        "worst_study": listed[worst],
        "apart": apart,
    }
