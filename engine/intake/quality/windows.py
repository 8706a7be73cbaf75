"""Which ten seconds of a long trace are searched: the best by a cheap index, the earliest among equals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.intake.quality import signals
from engine.settings import SEARCH_WINDOW_S
from engine.signals import at_rate, band_pass
from engine.study import Study, Trace

CANDIDATES = 30  # windows scored evenly over a long recording; the best stretch is then searched more finely
HOP_S = 1.0
RATE_HZ = 50.0  # enough to tell a QRS or a pulse from noise and flat lines
BANDS_HZ = {"ecg": ((5.0, 15.0), (0.0, 25.0)), "ppg": ((0.5, 4.0), (0.0, 25.0))}  # wanted band, whole band
LEADS = 3  # leads scored at most: the first, the middle and the last


def choose_window(study: Study) -> Study:
    """Return the study with window_s set to its best 10 s; unchanged where it is 10 s or shorter, or no trace."""
    trace = study.content
    if not isinstance(trace, Trace) or trace.duration_s <= SEARCH_WINDOW_S:
        return study
    last = trace.duration_s - SEARCH_WINDOW_S
    hop = max(HOP_S, last / (CANDIDATES - 1))
    starts = _starts(0.0, last, hop)
    best = _best(study.modality, trace, starts)
    if hop > HOP_S:
        finer = _starts(max(0.0, best - hop), min(last, best + hop), max(HOP_S, 2 * hop / (CANDIDATES // 2)))
        best = _best(study.modality, trace, np.unique(np.append(finer, best)))
    return replace(study, window_s=(float(best), float(best) + SEARCH_WINDOW_S))


def _starts(first: float, last: float, hop: float) -> np.ndarray:
    """Window starts in seconds, the last possible one included."""
    return np.minimum(np.arange(first, last + hop, hop), last).round(3)


def _best(modality: str, trace: Trace, starts: np.ndarray) -> float:
    scores = [window_score(modality, trace.between(start, start + SEARCH_WINDOW_S)) for start in starts]
    return float(starts[int(np.argmax(np.round(scores, 3)))])


def window_score(modality: str, window: Trace) -> float:
    """0 (nothing) … about 1: wanted share of the power × share neither missing, flat nor clipped × beat character.

    Beat character: a QRS makes the band-passed trace peaky (kurtosis above noise's 3), a pulse makes its slope skewed.
    """
    rows = window.samples[np.unique(np.linspace(0, len(window.leads) - 1, LEADS).round().astype(int))]
    raw, missing = signals.filled(rows)
    freqs, power = signals.spectrum(raw, window.fs)
    wanted, whole = BANDS_HZ["ecg" if modality == "ecg" else "ppg"]
    share = signals.ratio(
        signals.power_between(freqs, power, *wanted), signals.power_between(freqs, power, whole[0], np.inf)
    )
    alive = (
        1.0 - missing - np.array([min(1.0, signals.flat_share(r, window.fs) + signals.clipped_share(r)) for r in raw])
    )
    coarse = at_rate(raw, window.fs, RATE_HZ) if window.fs > RATE_HZ else raw
    fs = min(window.fs, RATE_HZ)
    if modality == "ecg":
        character = 1.0 - 3.0 / np.maximum(signals.kurtosis(band_pass(coarse, fs, 5.0, 15.0)), 3.0)
        share = np.sqrt(share)
    else:
        slopes = np.diff(band_pass(coarse, fs, 0.5, 8.0), axis=1)
        character = np.array([min(1.0, abs(signals.skewness(row))) for row in slopes])
    return float(np.mean(share * np.clip(alive, 0.0, 1.0) * (0.1 + 0.9 * character)))
