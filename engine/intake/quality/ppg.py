"""The PPG gate, from 2 s (two or three pulses) to a minute, any rate from 25 Hz, pulses from 30 to 220 per minute.

Indices (relative to the trace's own amplitude):
- missing, flat and clipped share; pulse-band share of the power (0.5–8 Hz, Elgendi et al. 2013's band);
- likeness of the pulses to each other (Li & Clifford 2012; Orphanidou et al. 2015), as correlation of pairs around
  their steepest rise, which a high dicrotic wave does not move; where fewer than three pulses lie inside, the
  largest autocorrelation instead;
- asymmetry: skewness of the slope, large because the systolic rise is steep and the fall slow, about zero for noise and
  sines. A pulse recorded upside down is judged like an upright one;
- jump: largest change within 34 ms as a share of the pulse (sawtooth and square waves jump by all of it);
- share of a single tone (sine, triangle, aliased hum) and pulses per minute.
Atrial fibrillation has no periodicity, so periodicity alone never refuses a long trace.
"""

from __future__ import annotations

import numpy as np

from engine import signals
from engine.intake.quality.beats import autocorrelation_peak, beat_correlation, beat_windows, pulse_asymmetry, upstrokes
from engine.intake.quality.verdict import QualityVerdict, check_limit, limit, listed
from engine.signals import at_rate, band_pass
from engine.study import Study, Trace

RATE_HZ = 50.0
BAND_HZ = (0.5, 8.0)
BEFORE_S, AFTER_S = 0.2, 0.4  # stretch around the steepest rise that holds foot, systole and notch
BEFORE_SHARE, AFTER_SHARE = (
    0.4,
    0.8,
)  # of the usual interval at most, so that a fast pulse is not compared with the next
FLAT_S = 0.5  # without any change: a coarse converter is flat for less around peaks and feet
JUMP_S, JUMP_EVERY_S = 0.034, 1.5  # one sample of a 30 Hz camera; a stretch of 1.5 s holds a pulse
LAGS_S = (0.25, 2.5)  # pulse intervals at 240 and 24 per minute
FEW_PULSES = 3

# index → (what the number says, its most likely cause in the recording)
SENTENCES = {
    "missing share": ("has no value for {value} of the window", "the recording has a gap there"),
    "flat share": (
        "is flat for {value} of the window",
        "the sensor gave no signal there, or one value was written again and again",
    ),
    "clipped share": (
        "is clipped for {value} of the window",
        "values were cut off at the largest and smallest that the device or the export can hold",
    ),
    "pulse-band share": (
        "has {value} of its power between 0.5 and 8 Hz",
        "most of it is faster than a pulse, such as noise, hum or an ECG",
    ),
    "tone share": ("has {value} of its power in a single tone", "a test signal or hum looks like this, no pulse does"),
    "jump": (
        "jumps by {value} of its height within 34 ms",
        "a pulse rises more slowly; a moved sensor, an ECG or a test signal jumps like this",
    ),
    "asymmetry": (
        "has a slope asymmetry of {value}",
        "a pulse rises faster than it falls, and this does not; movement or noise looks like this",
    ),
    "pulse likeness": (
        "has pulses that correlate with each other by {value}",
        "each pulse differs from the next; movement, noise or another signal than a pulse looks like this",
    ),
    "periodicity": (
        "repeats itself with a correlation of {value}",
        "movement, noise or a stretch of less than two pulses looks like this",
    ),
    "slowest rate": ("has {value}", "too few pulses lie in the stretch, or its sampling rate is higher than stated"),
    "fastest rate": ("has {value}", "noise was counted as pulses, or its sampling rate is lower than stated"),
}


def segment_indices(samples: np.ndarray, fs: float) -> dict[str, float]:
    """Return every index of one segment. samples : (1, n)."""
    raw, missing = signals.filled(samples)
    row = raw[0]
    freqs, power = signals.spectrum(raw, fs)
    at_all = signals.power_between(freqs, power, BAND_HZ[0], np.inf)
    clean = pulse_wave(raw, fs)
    asymmetry = pulse_asymmetry(clean, RATE_HZ)
    upright = clean if asymmetry >= 0 else -clean
    pulses = upstrokes(upright, RATE_HZ)
    windows = _around(upright, pulses)
    return {
        "missing share": float(missing[0]),
        "flat share": float(signals.flat_share(raw, fs, FLAT_S)[0]),
        "clipped share": float(signals.clipped_share(raw)[0]),
        "pulse-band share": float(signals.ratio(signals.power_between(freqs, power, *BAND_HZ), at_all)[0]),
        "tone share": float(signals.tone_share(freqs, power, BAND_HZ[0])[0]),
        "jump": typical_jump(row, fs),
        "asymmetry": abs(asymmetry),
        "pulse likeness": beat_correlation(windows),
        "periodicity": autocorrelation_peak(clean, RATE_HZ, *LAGS_S) if len(windows) < FEW_PULSES else float("nan"),
        "whole pulses": float(len(windows)),
        "rate": 60.0 * RATE_HZ * (pulses.size - 1) / float(pulses[-1] - pulses[0]) if pulses.size > 1 else 0.0,
    }


def _around(row: np.ndarray, pulses: np.ndarray) -> np.ndarray:
    """Cut what is compared between pulses. row : (n,), pulses : (b,) → (whole pulses, width)."""
    usual = float(np.median(np.diff(pulses))) if pulses.size > 1 else np.inf
    before = min(BEFORE_S * RATE_HZ, BEFORE_SHARE * usual)
    after = min(AFTER_S * RATE_HZ, AFTER_SHARE * usual)
    return beat_windows(row, pulses, round(before), round(after))


def pulse_wave(samples: np.ndarray, fs: float) -> np.ndarray:
    """Return the pulse at RATE_HZ within BAND_HZ. samples : (1, n) without gaps → (m,)."""
    wave: np.ndarray = band_pass(at_rate(samples, fs, RATE_HZ), RATE_HZ, *BAND_HZ)[0]
    return wave


def typical_jump(row: np.ndarray, fs: float) -> float:
    """Largest change within 34 ms as a share of the range, median over stretches of 1.5 s. row : (n,) → 0..1."""
    step = max(1, int(JUMP_S * fs))
    stretches = np.array_split(row, max(1, int(row.size / fs / JUMP_EVERY_S)))
    shares = [np.abs(part[step:] - part[:-step]).max() / np.ptp(part) for part in stretches if np.ptp(part) > 0]
    return float(np.median(shares)) if shares else 0.0


def gate(study: Study, _: np.ndarray | None = None) -> QualityVerdict:
    """Judge the stretch of a study's PPG that is searched."""
    if not isinstance(study.searched, Trace):
        raise TypeError(f"a {study.modality} study holds no trace")
    return judge_ppg(study.searched)


def judge_ppg(trace: Trace) -> QualityVerdict:
    """Judge the stretch that is searched; accepted where every index keeps its limit."""
    duration = check_limit(
        limit("ppg", "duration"),
        trace.duration_s,
        name="duration",
        subject="The recording",
        says="is {value} long",
        cause="this is too short to be compared",
    )
    if not duration.passed:
        return QualityVerdict(False, 0.0, (duration.sentence,), (duration,))
    index = segment_indices(trace.samples[:1], trace.fs)
    few = index["whole pulses"] < FEW_PULSES
    likeness = index["periodicity"] if few else index["pulse likeness"]
    values = index | {"slowest rate": index["rate"], "fastest rate": index["rate"]}
    measures = [
        check_limit(limit("ppg", name), values[name], name=name, subject="The pulse trace", says=says, cause=cause)
        for name, (says, cause) in SENTENCES.items()
        if name != ("pulse likeness" if few else "periodicity")
    ]
    reasons = [measure.sentence for measure in measures if not measure.passed]
    score = float(np.clip(likeness, 0.0, 1.0)) * index["pulse-band share"]
    return QualityVerdict(not reasons, score, listed(reasons), (duration, *measures))
