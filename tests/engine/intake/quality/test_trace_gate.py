"""The gate on traces: simulated recordings pass, test signals are refused with a number, a limit and advice."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import neurokit2
import numpy as np
import pytest

from engine.intake.quality.beats import agreement, beat_correlation, energy_beats, pulse_beats, slope_beats
from engine.intake.quality.judge import judge
from engine.intake.quality.rate import rate_of
from engine.signals import at_rate, band_pass
from engine.study import ECG_LEADS, PPG_LEAD, Study, Trace
from engine.training.quality_negatives import trace_negatives
from engine.training.quality_spoilt import SPOILERS

NAMES = sorted(trace_negatives(100.0, 10.0, np.random.default_rng(0)))
# A random walk, or noise in the pulse's band, can look like a pulse for seconds; thresholds.json says how often.
PULSE_LIKE_NOISE = {"noise below 3 Hz", "noise below 8 Hz", "random walk"}


def ecg_study(samples: np.ndarray, fs: float, units: str = "mV") -> Study:
    leads = ("II",) if len(samples) == 1 else ECG_LEADS[: len(samples)]
    return Study("ecg", Trace(samples.astype(np.float32), leads, fs, units), "simulated")  # type: ignore[arg-type]


def ppg_trace(row: np.ndarray, fs: float) -> Trace:
    return Trace(row[None].astype(np.float32), (PPG_LEAD,), fs, "au")


def ppg_study(row: np.ndarray, fs: float) -> Study:
    return Study("ppg", ppg_trace(row, fs), "simulated")


@lru_cache(maxsize=8)
def twelve_leads(heart_rate: int = 70, fs: int = 250) -> np.ndarray:
    """(12, 10 s) with muscle noise of 0.02."""
    table = neurokit2.ecg_simulate(
        duration=10, sampling_rate=fs, heart_rate=heart_rate, method="multileads", random_state=3
    )
    clean = table.to_numpy().T
    return clean + 0.02 * np.random.default_rng(3).normal(size=clean.shape)


@lru_cache(maxsize=4)
def ecg_negatives(fs: float, leads: int) -> list[dict[str, np.ndarray]]:
    """One set of test signals per lead."""
    rng = np.random.default_rng(1)
    return [trace_negatives(fs, 10.0, rng) for _ in range(leads)]


@lru_cache(maxsize=8)
def pulse(heart_rate: int, fs: int, seconds: int = 10) -> np.ndarray:
    return neurokit2.ppg_simulate(duration=seconds, sampling_rate=fs, heart_rate=heart_rate, random_state=3)


def beats_at(times: np.ndarray, fs: float, seconds: float, width_s: float = 0.012) -> np.ndarray:
    """(1, n): one narrow QRS and one T wave per time, little noise."""
    t = np.arange(round(seconds * fs)) / fs
    trace = 0.01 * np.random.default_rng(0).normal(size=t.size)
    for at in times:
        trace += np.exp(-(((t - at) / width_s) ** 2)) + 0.25 * np.exp(-(((t - at - 0.25) / 0.05) ** 2))
    return trace[None]


@pytest.mark.parametrize("heart_rate", [45, 75, 140])
def test_simulated_twelve_leads_are_accepted(heart_rate: int) -> None:
    verdict = judge(ecg_study(twelve_leads(heart_rate), 250.0))
    assert verdict.accepted, verdict.reasons
    assert 0.5 < verdict.score <= 1.0


@pytest.mark.parametrize("lead", [0, 1])
def test_one_wearable_lead_is_a_valid_query(lead: int) -> None:
    verdict = judge(ecg_study(twelve_leads()[lead : lead + 1], 250.0))
    assert verdict.accepted, verdict.reasons


def test_a_z_scored_record_is_judged_like_a_calibrated_one() -> None:
    samples = twelve_leads()
    scored = (samples - samples.mean(axis=1, keepdims=True)) / samples.std(axis=1, keepdims=True)
    assert judge(ecg_study(scored, 250.0, "sd")).accepted
    assert judge(ecg_study(1e-3 * samples, 250.0)).score == pytest.approx(
        judge(ecg_study(samples, 250.0)).score, abs=1e-3
    )


def test_fibrillation_a_pause_and_wide_complexes_are_not_noise() -> None:
    rng = np.random.default_rng(4)
    irregular = np.cumsum(rng.uniform(0.35, 1.1, 20))
    paused = np.array([0.5, 1.3, 2.1, 5.6, 6.4, 7.2, 8.0, 8.8])
    for times in (irregular[irregular < 9.7], paused):
        verdict = judge(ecg_study(beats_at(times, 250.0, 10.0), 250.0))
        assert verdict.accepted, verdict.reasons
    t = np.arange(2500) / 250.0
    phase = 2 * np.pi * 3.0 * t + 0.15 * np.sin(2 * np.pi * 0.25 * t)
    tachycardia = (
        np.sin(phase) + 0.35 * np.sin(2 * phase + 0.8) + 0.15 * np.sin(3 * phase) + 0.02 * rng.normal(size=t.size)
    )
    verdict = judge(ecg_study(tachycardia[None], 250.0))
    assert verdict.accepted, verdict.reasons


@pytest.mark.parametrize("name", [name for name in NAMES if name != "noise below 3 Hz"])
@pytest.mark.parametrize(("fs", "leads"), [(100.0, 1), (500.0, 12)])
def test_test_signals_are_refused_as_ecg(name: str, fs: float, leads: int) -> None:
    verdict = judge(ecg_study(np.stack([made[name] for made in ecg_negatives(fs, leads)]), fs))
    assert not verdict.accepted
    assert verdict.reasons
    for reason in verdict.reasons[:1]:
        assert re.search(r"\d.*\((limit|at least) [\d.]+.*\): \w+", reason), reason


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PULSE_LIKE_NOISE])
@pytest.mark.parametrize(("fs", "seconds"), [(30.0, 20.0), (125.0, 10.0), (1000.0, 2.1)])
def test_test_signals_are_refused_as_ppg(name: str, fs: float, seconds: float) -> None:
    made = trace_negatives(fs, seconds, np.random.default_rng(1))
    if name not in made:
        pytest.skip(f"{name} cannot be made at {fs:g} Hz")
    verdict = judge(ppg_study(made[name], fs))
    assert not verdict.accepted
    assert re.search(r"\d.*\((limit|at least) -?[\d.]+.*\): \w+", verdict.reasons[0]), verdict.reasons


def test_white_noise_never_passes_as_one_lead() -> None:
    rng = np.random.default_rng(7)
    assert not any(judge(ecg_study(rng.normal(size=(1, 1000)), 100.0)).accepted for _ in range(60))


@pytest.mark.parametrize(("heart_rate", "fs", "seconds"), [(45, 100, 10), (75, 30, 10), (75, 1000, 3), (140, 125, 30)])
def test_simulated_pulses_are_accepted(heart_rate: int, fs: int, seconds: int) -> None:
    verdict = judge(ppg_study(pulse(heart_rate, fs, seconds), float(fs)))
    assert verdict.accepted, verdict.reasons


def test_a_loose_electrode_is_named_and_does_not_refuse_the_record() -> None:
    samples = twelve_leads().copy()
    samples[8] = 0.0
    verdict = judge(ecg_study(samples, 250.0))
    assert verdict.accepted
    told = [reason for reason in verdict.reasons if reason.startswith("Lead V3 ")]
    assert not any("again." in reason and "record" in reason for reason in verdict.reasons)
    assert told[0].startswith(
        "Lead V3 is flat for 100 % of the window (limit 50 %): the electrode was off, or one value"
    )
    assert next(m.name for m in verdict.measures if not m.passed and m.name.startswith("V3")) == "V3: flat share"


@pytest.mark.parametrize("levels", [20, 40])
def test_a_monitors_coarse_converter_is_no_loose_electrode(levels: int) -> None:
    row = twelve_leads()[1:2]
    coarse = np.round((row - row.min()) / np.ptp(row) * levels)
    verdict = judge(Study("ecg", Trace(coarse.astype(np.float32), ("II",), 250.0, "mV"), "simulated"))
    assert verdict.accepted, verdict.reasons


@pytest.mark.parametrize("heart_rate", [50, 75, 110])
def test_a_pulse_given_as_an_ecg_is_said_to_be_one(heart_rate: int) -> None:
    row = band_pass(pulses(heart_rate, 125.0, dicrotic=0.4), 125.0, 0.3, 6.0)  # as sensors of pulses smooth it
    verdict = judge(Study("ecg", Trace(row[None].astype(np.float32), ("II",), 125.0, "mV"), "simulated"))
    assert not verdict.accepted
    assert any("above 8 Hz" in reason and "a pulse wave" in reason for reason in verdict.reasons), verdict.reasons


@pytest.mark.parametrize("name", sorted(SPOILERS))
def test_spoilt_recordings_are_refused(name: str) -> None:
    rng = np.random.default_rng(4)
    for trace in (ppg_trace(pulses(70, 100.0, dicrotic=0.4), 100.0), ecg_study(twelve_leads(), 250.0).content):
        assert isinstance(trace, Trace)
        spoilt = replace(trace, samples=np.stack([SPOILERS[name](row, trace.fs, rng) for row in trace.samples]))
        assert not judge(Study("ppg" if trace.leads == (PPG_LEAD,) else "ecg", spoilt, "spoilt")).accepted


def test_more_bad_leads_than_good_ones_refuse_the_record() -> None:
    samples = twelve_leads().copy()
    samples[:9] = np.random.default_rng(0).normal(size=(9, samples.shape[1]))
    verdict = judge(ecg_study(samples, 250.0))
    assert not verdict.accepted
    assert "3 usable of 12 leads, 25 % (at least 50 %)" in verdict.reasons[0]


def test_gaps_are_counted_and_a_short_gap_is_bridged() -> None:
    samples = twelve_leads().copy()
    samples[:, 100:150] = np.nan
    assert judge(ecg_study(samples, 250.0)).accepted
    samples[:, 100:1500] = np.nan
    verdict = judge(ecg_study(samples, 250.0))
    assert not verdict.accepted
    assert any("has no value for 56 %" in reason for reason in verdict.reasons)


def test_too_short_traces_are_refused_with_their_length() -> None:
    assert "is 1 s long (at least 2.5 s)" in judge(ecg_study(twelve_leads()[:, :250], 250.0)).reasons[0]
    assert "is 1 s long (at least 2 s)" in judge(ppg_study(pulse(75, 100)[:100], 100.0)).reasons[0]


def test_the_same_trace_gets_the_same_verdict_and_is_left_unchanged() -> None:
    study = ecg_study(twelve_leads(), 250.0)
    before = study.content.samples.copy()  # type: ignore[union-attr]
    assert judge(study) == judge(study)
    np.testing.assert_array_equal(study.content.samples, before)  # type: ignore[union-attr]


def test_both_beat_detectors_agree_with_neurokit_on_its_own_simulation() -> None:
    raw = neurokit2.ecg_simulate(duration=30, sampling_rate=500, heart_rate=80, noise=0.05, random_state=1)
    theirs = neurokit2.ecg_peaks(neurokit2.ecg_clean(raw, sampling_rate=500), sampling_rate=500)[1]["ECG_R_Peaks"] / 5
    clean = band_pass(at_rate(raw[None], 500.0, 100.0), 100.0, 0.5, 40.0)
    assert agreement(energy_beats(clean, 100.0)[0], np.asarray(theirs), 10) > 0.95
    assert agreement(slope_beats(clean, 100.0)[0], np.asarray(theirs), 15) > 0.95


def test_the_pulse_detector_agrees_with_neurokit_on_its_own_simulation() -> None:
    raw = neurokit2.ppg_simulate(duration=30, sampling_rate=100, heart_rate=80, random_state=1)
    cleaned = neurokit2.ppg_clean(raw, sampling_rate=100)
    theirs = neurokit2.ppg_peaks(cleaned, sampling_rate=100)[1]["PPG_Peaks"] / 2
    clean = band_pass(at_rate(raw[None], 100.0, 50.0), 50.0, 0.5, 8.0)[0]
    assert agreement(pulse_beats(clean, 50.0), np.asarray(theirs), 5) > 0.95


def test_agreement_counts_each_beat_once() -> None:
    assert agreement(np.array([100, 200, 300]), np.array([102, 205, 900]), 10) == pytest.approx(2 / 4)
    assert agreement(np.array([100, 200]), np.array([], dtype=int), 10) == 0.0


def test_beat_correlation_is_the_mean_over_pairs() -> None:
    up, down = np.array([0.0, 1.0, 2.0]), np.array([2.0, 1.0, 0.0])
    assert beat_correlation(np.stack([up, 3 * up])) == pytest.approx(1.0)
    assert beat_correlation(np.stack([up, up, down])) == pytest.approx((1 - 1 - 1) / 3)


def pulses(
    rate: float, fs: float, *, dicrotic: float, irregular: float = 0.0, seconds: float = 10.0, seed: int = 0
) -> np.ndarray:
    """(n,): systoles of height 1, each with a dicrotic wave and a run-off, breathing and a little noise.

    irregular : share of the interval by which every beat may come earlier or later
    """
    rng = np.random.default_rng(seed)
    t = np.arange(round(fs * seconds)) / fs
    row, at = 0.1 * np.sin(2 * np.pi * 0.25 * t) + 0.01 * rng.normal(size=t.size), -60.0 / rate
    late = min(1.0, (60.0 / rate) ** 0.5)
    while at < seconds + 2:
        height, after = 1.0 + 0.1 * rng.normal(), np.clip(t - at - 0.16 * late, 0.0, None)
        for delay, width, share in ((0.16, 0.065, 1.0), (0.42, 0.10, dicrotic)):
            row += height * share * np.exp(-0.5 * ((t - at - delay * late) / (width * late)) ** 2)
        row += 0.5 * height * np.exp(-after / (0.5 * late)) * (1 - np.exp(-after / (0.05 * late)))
        at += 60.0 / rate * (1 + irregular * rng.uniform(-1, 1))
    return row


@pytest.mark.parametrize("rate", [30, 46, 75, 140, 220])
@pytest.mark.parametrize("fs", [25.0, 125.0, 1000.0])
@pytest.mark.parametrize("dicrotic", [0.2, 0.8])
def test_the_rate_of_slow_and_fast_pulses_is_found_whatever_the_dicrotic_wave(
    rate: int, fs: float, dicrotic: float
) -> None:
    found = rate_of(ppg_trace(pulses(rate, fs, dicrotic=dicrotic), fs))
    assert found is not None and found.per_minute == pytest.approx(rate, rel=0.05)


@pytest.mark.parametrize("dicrotic", [0.2, 0.5, 0.8])
@pytest.mark.parametrize(("rate", "irregular"), [(30, 0.0), (46, 0.0), (46, 0.3), (110, 0.35), (180, 0.0)])
def test_slow_and_irregular_pulses_with_any_dicrotic_wave_are_accepted(
    rate: int, irregular: float, dicrotic: float
) -> None:
    row = pulses(rate, 100.0, dicrotic=dicrotic, irregular=irregular, seed=2)
    for one in (row, -row):  # a camera's raw brightness falls with every pulse
        verdict = judge(ppg_study(one, 100.0))
        assert verdict.accepted, verdict.reasons


def test_beats_of_an_inverted_pulse_are_those_of_the_upright_one() -> None:
    row = pulses(60, 100.0, dicrotic=0.5)
    upright, inverted = rate_of(ppg_trace(row, 100.0)), rate_of(ppg_trace(-row, 100.0))
    assert upright is not None and inverted is not None
    np.testing.assert_allclose(upright.beats_s, inverted.beats_s, atol=0.011)


def test_one_jump_of_the_sensor_hides_no_beats() -> None:
    row = pulses(70, 100.0, dicrotic=0.5)
    row[:40] += 30.0 * np.linspace(1.0, 0.0, 40)
    found = rate_of(ppg_trace(row, 100.0))
    assert found is not None and found.per_minute == pytest.approx(70, rel=0.05)
    assert judge(ppg_study(row, 100.0)).accepted


@pytest.mark.parametrize("letter", ["a", "b"])
def test_a_slow_heart_with_a_marked_dicrotic_wave_is_accepted(letter: str, recordings: Path) -> None:
    row = np.loadtxt(recordings / "cases" / "ppg-slow-heart" / f"{letter}.csv", skiprows=1)
    assert judge(ppg_study(row, 30.0)).accepted
    found = rate_of(ppg_trace(row, 30.0))
    assert found is not None and round(found.per_minute) in range(44, 49)
