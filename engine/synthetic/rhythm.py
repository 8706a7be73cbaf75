"""When the heart beats: R peaks of one encounter, shared by its ECG and its PPG."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from engine.metrics.heart_rate import heart_rate
from engine.synthetic.conduction import at_rate, atrial_times
from engine.synthetic.ectopy import with_premature

if TYPE_CHECKING:
    from engine.synthetic.patients import Encounter

DURATION_S = 10.0
BEFORE_S, AFTER_S = 3.5, 3.0  # beats outside the recording: their waves and pulses reach into it
FIBRILLATION = "atrial fibrillation"
PREMATURE = "ventricular premature complex"
ARRHYTHMIA = "sinus arrhythmia"

# Respiratory part of the RR intervals: standard deviation in s at 60 bpm and age 20, and the years that divide it by e;
# set so that RMSSD and spread of RR by age lie near those of the millivolt `train` recordings; RMSSD halves from 20–29
# to 60–69 years also in Umetani et al., J Am Coll Cardiol 31:593, 1998.
BREATH_S, BREATH_YEARS = 0.042, 38.0
SLOW_SHARE = 0.012  # of the mean RR: standard deviation of what is slower than breathing, over 10 s
JITTER_SHARE = 0.004  # of the mean RR, from beat to beat
ARRHYTHMIA_SPREAD_S = (0.15, 0.28)  # longest less shortest RR; sinus arrhythmia is called from 0.12 s on
FIBRILLATION_CV = (0.18, 0.26)  # standard deviation over mean of RR: Bootsma et al., Circulation 41:783, 1970
REFRACTORY_S = 0.32  # no RR in fibrillation is shorter
RATE_ERROR_BPM = 3.0  # fibrillation is drawn again until its mean over the recording is this near
MAX_DRAWS = 200


@dataclass(frozen=True, eq=False)
class Rhythm:
    """Beats of one encounter.

    r_s  : (n,) R peaks, seconds from the start of the recording, from before −3 s to past DURATION_S + 2
    kind : (n,) "sinus", "fibrillation", "ventricular", "escape" (ventricular) or "paced" (ventricular)
    p_s  : (m,) peaks of P waves that are not bound to a QRS; None where every sinus beat has its own
    atrial_spikes_s, ventricular_spikes_s : of a pacemaker
    """

    r_s: np.ndarray
    kind: np.ndarray
    p_s: np.ndarray | None = None
    atrial_spikes_s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    ventricular_spikes_s: np.ndarray = field(default_factory=lambda: np.zeros(0))


def draw_rhythm(encounter: Encounter, rng: np.random.Generator) -> Rhythm:
    """Return the beats of an encounter; their mean rate over DURATION_S is its rate_bpm (fibrillation: within 3)."""
    if encounter.details.pacing or encounter.details.av_block:
        return uncoupled(encounter, rng)
    fibrillates = FIBRILLATION in encounter.ecg
    r_s = fibrillation(encounter.rate_bpm, rng) if fibrillates else sinus(encounter, rng)
    kind = np.full(r_s.size, "fibrillation" if fibrillates else "sinus", dtype="<U12")
    if PREMATURE in encounter.ecg:
        r_s, kind = with_premature(r_s, kind, encounter.details.ectopy, DURATION_S, rng)
    return Rhythm(r_s, kind)


def uncoupled(encounter: Encounter, rng: np.random.Generator) -> Rhythm:
    """Return the beats of a block or a pacemaker, stretched until their mean rate is the encounter's."""
    times = atrial_times(encounter, sinus(encounter, rng), (-2 * BEFORE_S, DURATION_S + 2 * AFTER_S), rng)
    if times is None:
        raise ValueError("neither a block nor a pacemaker is among the details of this encounter")
    for _ in range(3):
        times = at_rate(times, mean_rate(times.r_s) / encounter.rate_bpm)
    shown = (times.r_s > -BEFORE_S - 1.5) & (times.r_s < DURATION_S + AFTER_S)
    return Rhythm(times.r_s[shown], times.kind[shown], times.p_s, times.atrial_spikes_s, times.ventricular_spikes_s)


def mean_rate(r_s: np.ndarray) -> float:
    """Mean heart rate per minute over the recording: whole RR intervals inside it."""
    inside = r_s[(r_s >= 0) & (r_s < DURATION_S)]
    return heart_rate(inside, statistic="mean")


def sinus(encounter: Encounter, rng: np.random.Generator) -> np.ndarray:
    """Return sinus beats (n,) in s: breathing, slow variation and jitter about the mean RR, then set to the rate."""
    mean = 60.0 / encounter.rate_bpm
    t = np.arange(-BEFORE_S, DURATION_S + AFTER_S, mean)
    change = _breathing(encounter, t, rng) + mean * (_slow(t, rng) + JITTER_SHARE * rng.standard_normal(t.size))
    rr = np.clip(mean + change, 0.6 * mean, 1.6 * mean)
    return _at_rate(rr, encounter.rate_bpm, rng.uniform(0, mean))


def fibrillation(rate_bpm: float, rng: np.random.Generator) -> np.ndarray:
    """Return beats (n,) in s with independent RR: a refractory time plus a gamma-distributed rest."""
    mean = 60.0 / rate_bpm
    rest, spread = mean - REFRACTORY_S * min(1.0, mean / 0.5), mean * rng.uniform(*FIBRILLATION_CV)
    n = int((BEFORE_S + DURATION_S + AFTER_S) / mean * 1.6) + 8
    r_s = np.zeros(0)
    for _ in range(MAX_DRAWS):
        rr = mean - rest + rng.gamma((rest / spread) ** 2, spread**2 / rest, n)
        r_s = -BEFORE_S - rng.uniform(0, mean) + np.cumsum(rr)
        r_s = r_s[: int(np.searchsorted(r_s, DURATION_S + AFTER_S)) + 1]
        if abs(mean_rate(r_s) - rate_bpm) <= RATE_ERROR_BPM:
            break
    return np.concatenate([[r_s[0] - mean], r_s])


def _breathing(encounter: Encounter, t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Respiratory part of RR (n,) in s at times t: smaller with age, rate and breathing rate, unless labelled."""
    mean = 60.0 / encounter.rate_bpm
    wave = np.sin(2 * np.pi * encounter.respiration_bpm / 60 * t + rng.uniform(0, 2 * np.pi))
    if ARRHYTHMIA in encounter.ecg:
        return wave * min(rng.uniform(*ARRHYTHMIA_SPREAD_S) / 2 / abs(_peak(wave)), 0.24 * mean)
    own = np.exp(0.55 * rng.standard_normal() - max(encounter.age - 20, 0) / BREATH_YEARS)
    pace = min(mean, 1.2) * np.clip(15 / encounter.respiration_bpm, 0.6, 1.2)
    return wave * np.sqrt(2) * min(BREATH_S * own * pace, 0.055 * mean)


def _peak(wave: np.ndarray) -> float:
    return float(max(np.abs(wave).max(), 0.5))


def _slow(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Slow part of RR (n,), share of the mean: two waves at 0.03–0.12 Hz (Mayer waves and slower)."""
    parts = [
        np.sin(2 * np.pi * hz * t + rng.uniform(0, 2 * np.pi))
        for hz in (rng.uniform(0.03, 0.07), rng.normal(0.1, 0.01))
    ]
    return SLOW_SHARE * np.exp(0.6 * rng.standard_normal()) * sum(parts)


def _at_rate(rr: np.ndarray, rate_bpm: float, phase: float) -> np.ndarray:
    """Return beats (n,) in s whose mean rate over the recording is rate_bpm, from RR about right."""
    rr = np.concatenate([rr, np.full(6, rr[-6:].mean())])  # in case the scaled series ends early
    steps, scale, best = np.concatenate([[0.0], np.cumsum(rr)]), 1.0, (np.inf, np.zeros(0))
    for _ in range(12):
        r_s = -BEFORE_S - phase + scale * steps
        error = mean_rate(r_s) / rate_bpm
        best = min(best, (abs(error - 1), r_s), key=lambda pair: pair[0])
        scale *= error
    return best[1][: int(np.searchsorted(best[1], DURATION_S + AFTER_S)) + 1]
