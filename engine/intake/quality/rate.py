"""Beats of a whole recording, the rate they give, and its quality stretch by stretch; the viewers show all three."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from engine import signals
from engine.intake.quality.beats import agreement, energy_beats, pulse_asymmetry, pulse_beats, slope_beats
from engine.intake.quality.ppg import RATE_HZ as PULSE_HZ
from engine.intake.quality.ppg import judge_ppg, pulse_wave
from engine.metrics.heart_rate import heart_rate
from engine.modalities import resolve, spec_of_trace
from engine.study import Trace

WITHIN_S = 0.15  # tolerance between two detectors, as for bSQI
REFINE_HEART_S, REFINE_PULSE_S = 0.06, 0.08  # a beat is moved to the extreme sample within this distance
MIN_BEATS = 3
TRUSTED = 0.6  # two detectors must agree on this share of the beats, or no rate is given
STRETCH_S, MAX_STRETCHES = 10.0, 60  # of the quality strip; longer stretches where there would be more


@dataclass(frozen=True, eq=False)
class Rate:
    """Beats of one lead.

    beats_s   : (beats,) seconds from the start
    agreement : share of beats on which two detectors agree, 0..1; 1 for a pulse, which has one detector
    """

    lead: str
    beats_s: np.ndarray
    agreement: float

    @property
    def intervals_ms(self) -> np.ndarray:
        """Intervals between successive beats, (beats - 1,) ms."""
        return np.diff(self.beats_s) * 1000

    @property
    def per_minute(self) -> float:
        """Heart rate by the median interval."""
        return heart_rate(self.beats_s)


@dataclass(frozen=True)
class Stretch:
    """One stretch of a recording: where, how good by the gate (0..1), accepted, and why not."""

    start_s: float
    end_s: float
    score: float
    accepted: bool
    reason: str


def rate_of(trace: Trace) -> Rate | None:
    """Return the beats of the lead on which the detectors agree best; None where no rate can be trusted."""
    if trace.duration_s < 2.0 or not np.isfinite(trace.samples).any():
        return None
    beats = spec_of_trace(trace).beats
    if beats is None:
        return None
    found: Rate = resolve(beats)(trace)
    return found if found.beats_s.size >= MIN_BEATS and found.agreement >= TRUSTED else None


def heart_beats(trace: Trace) -> Rate:
    """Return the beats of an ECG on the lead on which two detectors agree best."""
    samples, _ = signals.filled(trace.samples)
    by_energy = energy_beats(samples, trace.fs)
    scores = [
        agreement(first, second, WITHIN_S * trace.fs)
        for first, second in zip(by_energy, slope_beats(samples, trace.fs), strict=True)
    ]
    heights = [float(np.ptp(row)) for row in samples]
    best = max(range(len(scores)), key=lambda i: (round(scores[i], 2), trace.leads[i] == "II", heights[i]))
    row = samples[best] - np.median(samples[best])
    beats = _to_extreme(np.abs(row), by_energy[best], round(REFINE_HEART_S * trace.fs))
    return Rate(trace.leads[best], beats / trace.fs, scores[best])


def pulse_beats_of(trace: Trace) -> Rate:
    """Return the beats of a pulse recording at its systolic peaks, which are troughs where it is upside down."""
    samples, _ = signals.filled(trace.samples)
    wave = pulse_wave(samples[:1], trace.fs)
    sign = 1.0 if pulse_asymmetry(wave, PULSE_HZ) >= 0 else -1.0
    coarse = pulse_beats(sign * wave, PULSE_HZ)
    at = np.minimum(np.rint(coarse * trace.fs / PULSE_HZ).astype(np.int64), samples.shape[1] - 1)
    beats = _to_extreme(sign * samples[0], at, round(REFINE_PULSE_S * trace.fs))
    return Rate(trace.leads[0], beats / trace.fs, 1.0)


def _to_extreme(row: np.ndarray, beats: np.ndarray, reach: int) -> np.ndarray:
    """Move every beat to the largest sample within `reach` samples. row : (n,), beats : (b,) → (b,) int."""
    moved = [max(0, b - reach) + int(np.argmax(row[max(0, b - reach) : b + reach + 1])) for b in beats.tolist()]
    return np.unique(np.array(moved, dtype=np.int64))


def quality_strip(trace: Trace) -> list[Stretch]:
    """Judge a pulse recording stretch by stretch with the gate; a rest too short to be judged joins the last one."""
    length = max(STRETCH_S, trace.duration_s / MAX_STRETCHES)
    count = max(1, int(trace.duration_s // length))
    edges = [i * length for i in range(count)] + [trace.duration_s]
    return [_judged(trace, start, end) for start, end in itertools.pairwise(edges)]


def _judged(trace: Trace, start: float, end: float) -> Stretch:
    verdict = judge_ppg(trace.between(start, end))
    reason = "" if verdict.accepted else verdict.reasons[0]
    return Stretch(start, end, float(np.clip(verdict.score, 0.0, 1.0)), verdict.accepted, reason)
