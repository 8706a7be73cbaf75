"""The ECG gate: per lead from published indices, overall by the share of leads that can be used.

Indices (all relative to the trace's own amplitude, so z-scored records are judged like calibrated ones):
- missing, flat and clipped share at the file's own rate (criteria of the PhysioNet/CinC Challenge 2011);
- share of the power above 8 Hz, which a pulse wave given as an ECG lacks;
- QRS-band share pSQI, baseline share basSQI, kurtosis kSQI (Clifford et al. 2012, Physiol Meas 33:1419);
- agreement of two beat detectors bSQI (Li, Mark & Clifford 2008, Physiol Meas 29:15);
- likeness of the beats to each other (Orphanidou et al. 2015, as correlation of pairs);
- in-band share (mains and muscle noise), share of a single tone (sine, hum), beats per minute.
Kurtosis alone would refuse ventricular tachycardia (1.8, as a sawtooth) and any ECG on a wandering baseline: it counts
only where the trace also jumps and stays low without the baseline.
"""

from __future__ import annotations

import numpy as np

from engine import signals
from engine.intake.quality.beats import agreement, beat_correlation, beat_windows, energy_beats, slope_beats
from engine.intake.quality.verdict import Measure, QualityVerdict, check_limit, limit, listed, number
from engine.signals import at_rate, band_pass
from engine.study import Study, Trace

RATE_HZ = 100.0  # everything below Nyquist of the coarsest records; also the encoder's rate
BAND_HZ = (0.5, 40.0)  # monitoring band, AHA 2007 recommendation for rhythm analysis
TOLERANCE_S = 0.15  # two detectors mean the same beat within 150 ms (ANSI/AAMI EC57)
BEFORE_S, AFTER_S = 0.15, 0.25  # stretch around a beat that holds the QRS and the ST segment
FLAT_S = 2.0  # without any change: holds a beat at 30 per minute; a coarse converter is flat between beats
FEW_BEATS = 8  # below this, noise beats resemble each other by chance, so more likeness is asked for
JUMP_S, JUMP_EVERY_S = 0.02, 2.0  # a jump is the largest change within 20 ms; the median over 2 s stretches is taken

# index → (what the number says, its most likely cause in the recording)
SENTENCES = {
    "missing share": ("has no value for {value} of the window", "the recording has a gap there"),
    "flat share": (
        "is flat for {value} of the window",
        "the electrode was off, or one value was written again and again",
    ),
    "clipped share": (
        "is clipped for {value} of the window",
        "values were cut off at the largest and smallest that the device or the export can hold",
    ),
    "in-band share": ("has {value} of its power between 0.5 and 40 Hz", "most of it is mains hum or muscle noise"),
    "tone share": ("has {value} of its power in a single tone", "a test signal or hum looks like this, no heart does"),
    "basSQI": ("has {value} of its power above 1 Hz", "nearly all of it is baseline wander or a drift"),
    "pSQI": ("has {value} of its 5–40 Hz power in the QRS band of 5–15 Hz", "most of it is muscle noise"),
    "power above 8 Hz": (
        "has {value} of its power above 8 Hz",
        "a pulse wave, or an ECG whose QRS was smoothed away, looks like this",
    ),
    "kSQI": (
        "jumps like a square wave or a sawtooth, with a kurtosis of {value}",
        "a test signal looks like this, no ECG does",
    ),
    "bSQI": (
        "has {value} of its beats found by both ways of finding beats",
        "noise covers the beats, or this is another signal than an ECG",
    ),
    "beat likeness": (
        "has beats that correlate with each other by {value}",
        "noise looks like this, or another signal than an ECG",
    ),
    "slowest rate": ("has {value}", "there are no beats in it, or its sampling rate is higher than stated"),
    "fastest rate": ("has {value}", "noise was counted as beats, or its sampling rate is lower than stated"),
}


def jump_and_kurtosis(samples: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (typical jump within 20 ms as a share of the 5–95 % range, kurtosis without the linear trend), per lead.

    Sawtooth and square waves jump by their whole range and have a kurtosis of 1–2. A narrow QRS jumps but has a high
    kurtosis (on a wandering baseline: once that is filtered off); wide complexes and flutter have a low one but do not
    jump.
    """
    step = max(1, round(JUMP_S * fs))
    changes = np.abs(samples[:, step:] - samples[:, :-step])
    parts = np.array_split(changes, max(1, int(samples.shape[1] / fs / JUMP_EVERY_S)), axis=1)
    typical = np.median([part.max(axis=1) for part in parts], axis=0)
    low, high = np.quantile(samples, (0.05, 0.95), axis=1)
    slope = np.linspace(-1.0, 1.0, samples.shape[1])
    trend = np.outer((samples * slope).sum(axis=1) / (slope**2).sum(), slope)
    return signals.ratio(typical, high - low), signals.kurtosis(samples - trend)


def lead_indices(samples: np.ndarray, fs: float) -> dict[str, np.ndarray]:
    """Return every index per lead. samples : (leads, n) → name → (leads,)."""
    raw, missing = signals.filled(samples)
    freqs, power = signals.spectrum(raw, fs)
    at_all = signals.power_between(freqs, power, BAND_HZ[0], np.inf)
    jump, kurtosis = jump_and_kurtosis(raw, fs)
    found = {
        "missing share": missing,
        "flat share": signals.flat_share(raw, fs, FLAT_S),
        "clipped share": signals.clipped_share(raw),
        "in-band share": signals.ratio(signals.power_between(freqs, power, *BAND_HZ), at_all),
        "tone share": signals.tone_share(freqs, power, BAND_HZ[0]),
        "basSQI": signals.ratio(signals.power_between(freqs, power, 1, 40), signals.power_between(freqs, power, 0, 40)),
        "pSQI": signals.ratio(signals.power_between(freqs, power, 5, 15), signals.power_between(freqs, power, 5, 40)),
        "power above 8 Hz": signals.ratio(
            signals.power_between(freqs, power, 8, 40), signals.power_between(freqs, power, 1, 40)
        ),
        "kSQI": kurtosis,
        "jump": jump,
    }
    return found | _beat_indices(band_pass(at_rate(raw, fs, RATE_HZ), RATE_HZ, *BAND_HZ))


def _beat_indices(clean: np.ndarray) -> dict[str, np.ndarray]:
    """bSQI, likeness, number and rate of beats, kurtosis; of band-passed leads at 100 Hz. (leads, n) → (leads,)."""
    rows = []
    for row, energy, slope in zip(clean, energy_beats(clean, RATE_HZ), slope_beats(clean, RATE_HZ), strict=True):
        windows = beat_windows(row, energy, round(BEFORE_S * RATE_HZ), round(AFTER_S * RATE_HZ))
        rate = 60.0 * RATE_HZ * (energy.size - 1) / (energy[-1] - energy[0]) if energy.size > 1 else 0.0
        rows.append((agreement(energy, slope, TOLERANCE_S * RATE_HZ), beat_correlation(windows), energy.size, rate))
    found = dict(zip(("bSQI", "beat likeness", "beats", "rate"), np.array(rows, dtype=np.float64).T, strict=True))
    return found | {"band kurtosis": signals.kurtosis(clean)}


def lead_measures(lead: str, index: dict[str, float]) -> list[Measure]:
    """Compare one lead's indices with their limits; `index` as from lead_indices for a single lead."""
    few = index["beats"] < FEW_BEATS
    stepped = not limit("ecg", "jump").allows(index["jump"]) and limit("ecg", "band kurtosis").allows(
        index["band kurtosis"]
    )
    values = {name: index[name] for name in SENTENCES if name in index}
    values |= {"slowest rate": index["rate"], "fastest rate": index["rate"]}
    measures = []
    for name, (says, cause) in SENTENCES.items():
        used = limit("ecg", "beat likeness of few beats" if name == "beat likeness" and few else name)
        if name == "kSQI" and not stepped:
            value = number(values[name], "")
            sentence = f"Lead {lead} has kurtosis {value} and no jumps like those of a square wave."
            measures.append(Measure(f"{lead}: {name}", values[name], used.value, "", True, sentence))
            continue
        measures.append(
            check_limit(used, values[name], name=f"{lead}: {name}", subject=f"Lead {lead}", says=says, cause=cause)
        )
    return measures


def gate(study: Study, _: np.ndarray | None = None) -> QualityVerdict:
    """Judge the stretch of a study's ECG that is searched."""
    if not isinstance(study.searched, Trace):
        raise TypeError(f"a {study.modality} study holds no trace")
    return judge_ecg(study.searched)


def judge_ecg(trace: Trace) -> QualityVerdict:
    """Judge the stretch that is searched; accepted where at least half of the leads present can be used."""
    long_enough = check_limit(
        limit("ecg", "duration"),
        trace.duration_s,
        name="duration",
        subject="The recording",
        says="is {value} long",
        cause="this is too short to be compared",
    )
    if not long_enough.passed:
        return QualityVerdict(False, 0.0, (long_enough.sentence,), (long_enough,))
    found = lead_indices(trace.samples, trace.fs)
    leads = {lead: {name: float(row[i]) for name, row in found.items()} for i, lead in enumerate(trace.leads)}
    measured = {lead: lead_measures(lead, index) for lead, index in leads.items()}
    usable = [lead for lead, measures in measured.items() if all(m.passed for m in measures)]
    share = check_limit(
        limit("ecg", "usable leads"),
        len(usable) / len(leads),
        name="usable leads",
        subject="The recording",
        says=f"has {len(usable)} usable of {len(leads)} leads, {{value}}",
        cause="the others are judged below",
    )
    failed = [next(m for m in measures if not m.passed) for lead, measures in measured.items() if lead not in usable]
    reasons = [*([] if share.passed else [share.sentence] if len(leads) > 1 else []), *_grouped(failed)]
    good = [np.clip(0.5 * (leads[lead]["bSQI"] + leads[lead]["beat likeness"]), 0.0, 1.0) for lead in usable]
    score = float(np.sum(good)) / len(leads)
    return QualityVerdict(
        share.passed, score, listed(reasons), (share, long_enough, *(m for ms in measured.values() for m in ms))
    )


def _grouped(failed: list[Measure]) -> list[str]:
    """One sentence per failed index: the lead furthest from the limit speaks, the other leads are named."""
    groups: dict[str, list[Measure]] = {}
    for measure in failed:
        groups.setdefault(measure.name.split(": ")[1], []).append(measure)
    sentences = []
    for measures in groups.values():
        worst = max(measures, key=lambda m: abs(m.value - m.threshold))
        others = [m.name.split(": ")[0] for m in measures if m is not worst]
        also = f" The same limit is broken in {', '.join(others)}." if others else ""
        sentences.append(worst.sentence + also)
    return sentences
