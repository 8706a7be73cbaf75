"""Long traces: the best ten seconds are chosen, the earliest among equals; short ones stay whole."""

from __future__ import annotations

import neurokit2
import numpy as np
import pytest

from engine.intake.quality.judge import choose_window, judge
from engine.study import PPG_LEAD, Note, Study, Trace

FS = 250


def one_lead(samples: np.ndarray) -> Study:
    return Study("ecg", Trace(samples[None].astype(np.float32), ("II",), float(FS), "mV"), "simulated")


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return neurokit2.ecg_simulate(duration=12, sampling_rate=FS, heart_rate=75, random_state=2)


@pytest.mark.parametrize("noisy_first", [True, False])
def test_noise_is_left_out_of_the_window(clean: np.ndarray, noisy_first: bool) -> None:
    noise = np.random.default_rng(0).normal(size=10 * FS)
    study = choose_window(one_lead(np.concatenate([noise, clean] if noisy_first else [clean, noise])))
    assert study.window_s is not None
    start, end = study.window_s
    assert end - start == pytest.approx(10.0)
    assert 10.0 <= start <= 12.0 if noisy_first else 0.0 <= start <= 2.0
    assert judge(study).accepted


def test_flat_stretches_are_left_out_of_a_long_recording(clean: np.ndarray) -> None:
    dead = np.zeros(200 * FS)
    study = choose_window(one_lead(np.concatenate([dead, clean, clean, dead])))
    assert study.window_s is not None
    assert 200.0 <= study.window_s[0] <= 214.0


def test_the_earliest_of_equal_windows_is_taken() -> None:
    beat = neurokit2.ecg_simulate(duration=10, sampling_rate=FS, heart_rate=60, random_state=2)[:FS]
    study = choose_window(one_lead(np.tile(beat, 30)))
    assert study.window_s == (0.0, 10.0)


def test_ten_seconds_and_less_stay_whole(clean: np.ndarray) -> None:
    assert choose_window(one_lead(clean[: 10 * FS])).window_s is None
    assert choose_window(one_lead(clean[: 4 * FS])).window_s is None
    note = Study("text", Note("cardiomegaly"), "text")
    assert choose_window(note) is note


def test_a_moving_sensor_is_left_out_of_a_pulse_trace() -> None:
    pulse = neurokit2.ppg_simulate(duration=14, sampling_rate=50, heart_rate=70, random_state=2)
    shaken = np.cumsum(np.random.default_rng(1).normal(size=15 * 50)) / 5
    trace = Trace(np.concatenate([shaken, pulse])[None].astype(np.float32), (PPG_LEAD,), 50.0, "au")
    study = choose_window(Study("ppg", trace, "simulated"))
    assert study.window_s is not None
    assert study.window_s[0] >= 14.0


def test_judging_a_long_trace_judges_its_best_window(clean: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(size=30 * FS)
    study = one_lead(np.concatenate([noise, clean]))
    assert judge(study).accepted
    assert judge(study) == judge(choose_window(study))
