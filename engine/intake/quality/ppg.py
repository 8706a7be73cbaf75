"""The PPG gate, from 2 s (two or three pulses) to a minute, any rate from 30 Hz.

Indices (relative to the trace's own amplitude):
- missing, flat and clipped share; pulse-band share of the power (0.5–8 Hz, Elgendi et al. 2013's band);
- likeness of the pulses to each other (Li & Clifford 2012; Orphanidou et al. 2015), as correlation of pairs; where
  fewer than three pulses lie inside, the largest autocorrelation instead;
- skewness (Elgendi 2016, Bioengineering 3:21) and asymmetry: skewness of the slope, large because the systolic rise is
  steep and the fall slow, about zero for noise and sines;
- jump: largest change within 34 ms as a share of the pulse (sawtooth and square waves jump by all of it);
- share of a single tone (sine, triangle, aliased hum) and pulses per minute.
Atrial fibrillation has no periodicity, so periodicity alone never refuses a long trace.
"""

from __future__ import annotations

import numpy as np

from engine import signals
from engine.intake.quality.beats import autocorrelation_peak, beat_correlation, beat_windows, pulse_beats
from engine.intake.quality.verdict import QualityVerdict, check_limit, limit, listed
from engine.signals import at_rate, band_pass
from engine.study import Study, Trace

RATE_HZ = 50.0
BAND_HZ = (0.5, 8.0)
BEFORE_S, AFTER_S = 0.24, 0.36  # stretch around the systolic peak that holds upstroke and notch
JUMP_S, JUMP_EVERY_S = 0.034, 1.5  # one sample of a 30 Hz camera; a stretch of 1.5 s holds a pulse
LAGS_S = (0.25, 2.5)  # pulse intervals at 240 and 24 per minute
FEW_PULSES = 3

# index → (what the number says, what to do)
SENTENCES = {
    "missing share": ("has no value for {value} of the window", "export the recording without gaps and upload again"),
    "flat share": ("is flat for {value} of the window", "check that the sensor touches the skin and record again"),
    "clipped share": ("is clipped for {value} of the window", "lower the light or the gain and record again"),
    "pulse-band share": (
        "has {value} of its power between 0.5 and 8 Hz",
        "this is noise or hum rather than a pulse: shield the sensor and record again",
    ),
    "tone share": (
        "has {value} of its power in a single tone",
        "this is a test signal or hum: upload a recording of a patient",
    ),
    "jump": (
        "jumps by {value} of its height within 34 ms",
        "a pulse rises more slowly, as no sawtooth or square wave does: check that the file holds a PPG",
    ),
    "asymmetry": (
        "has a slope asymmetry of {value}",
        "rise and fall are alike, which no pulse is: record again with the sensor at rest",
    ),
    "skewness": ("has a skewness of {value}", "large dips dominate: record again with the sensor at rest"),
    "pulse likeness": (
        "has pulses that correlate with each other by {value}",
        "keep the sensor still and record again",
    ),
    "periodicity": ("repeats itself with a correlation of {value}", "keep the sensor still and record again"),
    "slowest rate": ("has {value}", "upload a stretch with at least two pulses"),
    "fastest rate": ("has {value}", "check the sampling rate that was stated and upload again"),
}


def segment_indices(samples: np.ndarray, fs: float) -> dict[str, float]:
    """Return every index of one segment. samples : (1, n)."""
    raw, missing = signals.filled(samples)
    row = raw[0]
    freqs, power = signals.spectrum(raw, fs)
    at_all = signals.power_between(freqs, power, BAND_HZ[0], np.inf)
    clean = band_pass(at_rate(raw, fs, RATE_HZ), RATE_HZ, *BAND_HZ)[0]
    pulses = pulse_beats(clean, RATE_HZ)
    windows = beat_windows(clean, pulses, round(BEFORE_S * RATE_HZ), round(AFTER_S * RATE_HZ))
    return {
        "missing share": float(missing[0]),
        "flat share": signals.flat_share(row, fs),
        "clipped share": signals.clipped_share(row),
        "pulse-band share": float(signals.ratio(signals.power_between(freqs, power, *BAND_HZ), at_all)[0]),
        "tone share": float(signals.tone_share(freqs, power, BAND_HZ[0])[0]),
        "jump": typical_jump(row, fs),
        "asymmetry": abs(signals.skewness(np.diff(clean))),
        "skewness": signals.skewness(clean),
        "pulse likeness": beat_correlation(windows),
        "periodicity": autocorrelation_peak(clean, RATE_HZ, *LAGS_S) if len(windows) < FEW_PULSES else float("nan"),
        "whole pulses": float(len(windows)),
        "rate": 60.0 * RATE_HZ * (pulses.size - 1) / float(pulses[-1] - pulses[0]) if pulses.size > 1 else 0.0,
    }


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
        advice="upload a longer stretch",
    )
    if not duration.passed:
        return QualityVerdict(False, 0.0, (duration.sentence,), (duration,))
    index = segment_indices(trace.samples[:1], trace.fs)
    few = index["whole pulses"] < FEW_PULSES
    likeness = index["periodicity"] if few else index["pulse likeness"]
    values = index | {"slowest rate": index["rate"], "fastest rate": index["rate"]}
    measures = [
        check_limit(limit("ppg", name), values[name], name=name, subject="The pulse trace", says=says, advice=advice)
        for name, (says, advice) in SENTENCES.items()
        if name != ("pulse likeness" if few else "periodicity")
    ]
    reasons = [measure.sentence for measure in measures if not measure.passed]
    score = float(np.clip(likeness, 0.0, 1.0)) * index["pulse-band share"]
    return QualityVerdict(not reasons, score, listed(reasons), (duration, *measures))
