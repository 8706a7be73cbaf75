"""The gate that every query passes, and which ten seconds of a long trace are judged and searched.

>>> study = choose_window(study)      # the best ten seconds by a cheap index, the earliest among equals
>>> verdict = judge(study)            # accepted, score, reasons in sentences, every measure
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engine import signals
from engine.intake.quality.verdict import QualityVerdict
from engine.modalities import resolve, spec_of
from engine.settings import SEARCH_WINDOW_S
from engine.signals import at_rate, band_pass
from engine.study import Study, Trace

CANDIDATES = 30  # windows scored evenly over a long recording; the best stretch is then searched more finely
HOP_S = 1.0
RATE_HZ = 50.0  # enough to tell a QRS or a pulse from noise and flat lines
QRS_HZ, PULSE_HZ = (5.0, 15.0), (0.5, 4.0)  # the band that is wanted of an ECG and of a pulse
LEADS = 3  # leads scored at most: the first, the middle and the last

Score = Callable[[Trace], float]


def choose_window(study: Study) -> Study:
    """Return the study with window_s set to its best 10 s; unchanged where it has a window, is short, or no trace."""
    trace = study.content
    if not isinstance(trace, Trace) or trace.duration_s <= SEARCH_WINDOW_S or study.window_s is not None:
        return study
    score: Score = resolve(spec_of(study.modality).window or usable_score)
    last = trace.duration_s - SEARCH_WINDOW_S
    hop = max(HOP_S, last / (CANDIDATES - 1))
    starts = _starts(0.0, last, hop)
    best = _best(score, trace, starts)
    if hop > HOP_S:
        finer = _starts(max(0.0, best - hop), min(last, best + hop), max(HOP_S, 2 * hop / (CANDIDATES // 2)))
        best = _best(score, trace, np.unique(np.append(finer, best)))
    return replace(study, window_s=(float(best), float(best) + SEARCH_WINDOW_S))


def judge(study: Study, features: np.ndarray | None = None) -> QualityVerdict:
    """Judge what of the study is searched; a long trace without a window is judged by its best one.

    features : (768,) of engine.model.film_features where known already, so that they are not computed twice
    A modality without a gate, such as a typed finding, has nothing to be measured and is accepted.
    """
    gate = spec_of(study.modality).gate
    if gate is None:
        return QualityVerdict(True, 1.0)
    verdict: QualityVerdict = resolve(gate)(study if study.window_s is not None else choose_window(study), features)
    return verdict


def _starts(first: float, last: float, hop: float) -> np.ndarray:
    """Window starts in seconds, the last possible one included."""
    return np.minimum(np.arange(first, last + hop, hop), last).round(3)


def _best(score: Score, trace: Trace, starts: np.ndarray) -> float:
    scores = [score(trace.between(start, start + SEARCH_WINDOW_S)) for start in starts]
    return float(starts[int(np.argmax(np.round(scores, 3)))])


def heart_score(window: Trace) -> float:
    """Return 0 (nothing) … about 1: the share of QRS power × that of usable samples × how peaky the beats are.

    A QRS makes the band-passed trace peaky: its kurtosis is above noise's 3.
    """
    raw, alive, share = _basics(window, QRS_HZ)
    coarse, fs = _coarse(raw, window.fs)
    peaky = 1.0 - 3.0 / np.maximum(signals.kurtosis(band_pass(coarse, fs, *QRS_HZ)), 3.0)
    return float(np.mean(np.sqrt(share) * alive * (0.1 + 0.9 * peaky)))


def pulse_score(window: Trace) -> float:
    """Return 0 (nothing) … about 1: the share of pulse power × that of usable samples × how skewed the slope is."""
    raw, alive, share = _basics(window, PULSE_HZ)
    coarse, fs = _coarse(raw, window.fs)
    slopes = np.diff(band_pass(coarse, fs, 0.5, 8.0), axis=1)
    skewed = np.array([min(1.0, abs(signals.skewness(row))) for row in slopes])
    return float(np.mean(share * alive * (0.1 + 0.9 * skewed)))


def usable_score(window: Trace) -> float:
    """Return the share, 0 … 1, of samples that are neither missing, flat nor clipped."""
    return float(np.mean(_basics(window, (0.0, np.inf))[1]))


def _basics(window: Trace, wanted_hz: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of at most LEADS leads: samples (leads, n), usable share (leads,), share of power in the band (leads,)."""
    rows = window.samples[np.unique(np.linspace(0, len(window.leads) - 1, LEADS).round().astype(int))]
    raw, missing = signals.filled(rows)
    freqs, power = signals.spectrum(raw, window.fs)
    share = signals.ratio(
        signals.power_between(freqs, power, *wanted_hz), signals.power_between(freqs, power, 0.0, np.inf)
    )
    idle = np.minimum(1.0, signals.flat_share(raw, window.fs) + signals.clipped_share(raw))
    return raw, np.clip(1.0 - missing - idle, 0.0, 1.0), share


def _coarse(raw: np.ndarray, fs: float) -> tuple[np.ndarray, float]:
    """Return the samples at RATE_HZ or less, and that rate."""
    return (at_rate(raw, fs, RATE_HZ), RATE_HZ) if fs > RATE_HZ else (raw, fs)
