"""The PPG of an encounter: one pulse a beat, shaped by age, pressure and rhythm, the same person on every visit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ReleaseError
from engine.intake.quality.judge import judge
from engine.study import Study, Trace
from engine.synthetic.patients import Encounter, rng_for
from engine.synthetic.ppg import PulseModel, draw_ppg, fit, load_model
from engine.synthetic.ppg.beats import FS, find_pulses
from engine.synthetic.rhythm import Rhythm, draw_rhythm

ONE = Encounter(
    patient_number=1,
    number=1,
    conditions=("healthy",),
    age=45,
    sex="F",
    height_cm=168.0,
    weight_kg=65.0,
    rate_bpm=68.0,
    respiration_bpm=14.0,
    systolic_mmhg=118.0,
    diastolic_mmhg=74.0,
    spo2=98.0,
    film=("No Finding",),
    view="PA",
    ecg=("normal ECG", "sinus rhythm"),
    ppg=("Normal blood pressure",),
    has_ppg=True,
    acquired_at="2024-03-01T09:00:00",
)
FIBRILLATING = replace(ONE, age=72, rate_bpm=95.0, ecg=("atrial fibrillation",))


@pytest.fixture(scope="module")
def model() -> PulseModel:
    """The shipped pulse model."""
    return load_model()


def draw(model: PulseModel, encounter: Encounter, seed: int) -> tuple[Rhythm, np.ndarray]:
    """One encounter's rhythm and PPG under a seed."""
    who = (seed, encounter.patient_number, encounter.number)
    rhythm = draw_rhythm(encounter, rng_for(*who, "rhythm"))
    person = rng_for(seed, encounter.patient_number, 0, "person")
    return rhythm, draw_ppg(model, encounter, rhythm, person, rng_for(*who, "ppg"))


def shapes(model: PulseModel, encounter: Encounter, n: int) -> np.ndarray:
    """The median pulse (n, POINTS) of n persons who differ from the encounter in their seed only."""
    found = [find_pulses(draw(model, encounter, seed)[1].astype(float), FS) for seed in range(n)]
    return np.array([np.median(one.shape[one.good], axis=0) for one in found])


def first_transits(model: PulseModel, encounter: Encounter, n: int) -> np.ndarray:
    """Median time from R peak to foot (n,) in s."""
    out = []
    for seed in range(n):
        rhythm, samples = draw(model, encounter, seed)
        feet = find_pulses(samples.astype(float), FS).foot_s
        gap = feet[:, None] - rhythm.r_s[None]
        out.append(np.median(np.where(gap > 0, gap, np.inf).min(1)))
    return np.array(out)


def test_samples_are_whole_numbers_of_a_sensor_at_125_hz(model: PulseModel):
    _, samples = draw(model, ONE, 3)
    assert samples.shape == (1250,) and np.issubdtype(samples.dtype, np.integer)
    assert samples.min() >= 0 and samples.max() < 4096
    assert np.ptp(samples) > 100
    assert len("PPG\n" + "\n".join(map(str, samples)) + "\n") <= 6144


def test_the_same_seed_gives_the_same_samples_and_another_seed_does_not(model: PulseModel):
    first, again, other = (draw(model, ONE, seed)[1] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("encounter", [ONE, replace(ONE, rate_bpm=110.0), FIBRILLATING], ids=["68", "110", "af"])
def test_every_r_peak_has_one_pulse_after_a_transit_time(model: PulseModel, encounter: Encounter):
    import neurokit2 as nk

    for seed in range(8):
        rhythm, samples = draw(model, encounter, seed)
        peaks = nk.ppg_findpeaks(nk.ppg_clean(samples.astype(float), 125), 125)["PPG_Peaks"] / FS
        beats = rhythm.r_s[(rhythm.r_s > 0.3) & (rhythm.r_s < 9.1)]
        before = np.searchsorted(rhythm.r_s, peaks - 0.13) - 1  # no pulse arrives sooner
        counts = [int((np.abs(rhythm.r_s[before] - beat) < 1e-9).sum()) for beat in beats]
        assert abs(sum(counts) - len(beats)) <= 1, seed
        assert np.mean(np.array(counts) == 1) > 0.8, seed  # the peak of a pulse may come after the next, early R
        assert abs(60 / np.diff(peaks).mean() - 60 / np.diff(rhythm.r_s[before]).mean()) < 2, seed


def test_the_pulse_comes_sooner_in_older_persons_and_at_high_pressure(model: PulseModel):
    young, old = replace(ONE, age=22), replace(ONE, age=80)
    high = replace(ONE, systolic_mmhg=178.0, diastolic_mmhg=104.0)
    usual = first_transits(model, ONE, 8)
    assert usual.min() > 0.13 and usual.max() < 0.36
    assert first_transits(model, young, 8).mean() > first_transits(model, old, 8).mean() + 0.01
    assert usual.mean() > first_transits(model, high, 8).mean() + 0.01


def rebound(pulse: np.ndarray) -> float:
    """How far a pulse rises again after its systolic peak, share of its height: the depth of the dicrotic notch."""
    fall = pulse[pulse.argmax() + 8 : 110]
    return float((fall - np.minimum.accumulate(fall)).max())


def test_with_age_the_crest_comes_later_and_the_dicrotic_notch_goes(model: PulseModel):
    young, old = (shapes(model, replace(ONE, age=age), 24) for age in (22, 74))
    assert old.argmax(1).mean() > young.argmax(1).mean() + 3  # of 128 points
    assert np.mean([rebound(one) for one in young]) > 1.2 * np.mean([rebound(one) for one in old])


def test_raised_pressure_changes_the_pulse_more_than_chance_does(model: PulseModel):
    low = shapes(model, replace(ONE, systolic_mmhg=105.0, diastolic_mmhg=62.0), 24)
    high = shapes(model, replace(ONE, systolic_mmhg=170.0, diastolic_mmhg=98.0), 24)
    assert (high > 0.7).sum(1).mean() > (low > 0.7).sum(1).mean() + 1


def test_pulses_follow_the_interval_before_them_in_fibrillation(model: PulseModel):
    spread, follows = [], []
    for seed in range(10):
        found = find_pulses(draw(model, FIBRILLATING, seed)[1].astype(float), FS)
        spread.append(np.std(np.log(found.height)))
        follows.append(np.corrcoef(found.interval_s[:-1], found.height[1:])[0, 1])
    regular = [
        np.std(np.log(find_pulses(draw(model, replace(ONE, rate_bpm=95.0), seed)[1].astype(float), FS).height))
        for seed in range(10)
    ]
    assert np.median(spread) > 1.3 * np.median(regular)
    assert np.median(follows) > 0.3


def test_a_premature_beat_gives_a_weak_pulse_and_the_next_a_strong_one(model: PulseModel):
    encounter = replace(ONE, ecg=("sinus rhythm", "ventricular premature complex"))
    weak, strong = [], []
    for seed in range(6):
        rhythm, samples = draw(model, encounter, seed)
        found = find_pulses(samples.astype(float), FS)
        owner = np.searchsorted(rhythm.r_s, found.foot_s) - 1
        early = rhythm.kind[owner] == "ventricular"
        after = np.concatenate([[False], early[:-1]])
        usual = np.median(found.height[~early & ~after])
        weak += list(found.height[early] / usual)
        strong += list(found.height[after] / usual)
    assert 0.4 < np.median(weak) < 0.8
    assert 1.05 < np.median(strong) < 1.6  # 1.4 in BIDMC


def test_breathing_moves_the_trace_at_the_rate_of_the_encounter(model: PulseModel):
    power = {}
    for rate in (12.0, 24.0):
        spectra = []
        for seed in range(12):
            samples = draw(model, replace(ONE, rate_bpm=80.0, respiration_bpm=rate), seed)[1].astype(float)
            t = np.arange(1250) / FS
            level = samples - np.polyval(np.polyfit(t, samples, 2), t)
            at = [np.abs(np.mean(level * np.exp(-2j * np.pi * hz * t))) for hz in (0.2, 0.4)]
            spectra.append(np.log(at[1] / at[0]))
        power[rate] = np.median(spectra)
    assert power[24.0] > power[12.0] + 0.5


def test_a_person_looks_like_the_same_person_on_the_next_visit(model: PulseModel):
    persons = [replace(ONE, patient_number=number) for number in range(1, 25)]
    first, second = (
        np.concatenate([shapes(model, replace(one, number=visit), 1) for one in persons]) for visit in (1, 2)
    )
    distance = np.sqrt(((first[:, None] - second[None]) ** 2).mean(-1))
    nearer = (np.diag(distance)[:, None] < distance).mean() * len(persons) / (len(persons) - 1)
    assert nearer > 0.6  # 0.5 by chance; another device may be used on the next visit


def test_the_quality_gate_accepts_nearly_all(model: PulseModel):
    accepted = []
    for seed in range(25):
        for encounter in (ONE, FIBRILLATING):
            samples = draw(model, encounter, seed)[1]
            trace = Trace(samples[None].astype(np.float32), ("PPG",), FS, "au")
            accepted.append(judge(Study("ppg", trace, "drawn")).accepted)
    assert np.mean(accepted) >= 0.96  # 98 % of a cohort; here of 50


def test_an_absent_model_is_said_to_be_absent(tmp_path):
    with pytest.raises(ReleaseError, match="casebind train generator ppg"):
        load_model(tmp_path / "ppg.safetensors")


def test_fitting_the_open_recordings_gives_the_shipped_model(model: PulseModel, recordings: Path):
    fitted = fit(recordings)
    assert np.allclose(fitted.mean, model.mean, atol=1e-3)
    assert np.allclose(fitted.swing, model.swing, atol=0.02)
    assert np.allclose(fitted.filling, model.filling, atol=0.02)
    ours, theirs = (one.shape(one.scores(np.eye(len(one.slopes))[0])) for one in (fitted, model))
    assert np.abs(ours - theirs).max() < 0.01
