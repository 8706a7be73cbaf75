"""Linear probes on data whose answer is known, and the heart rate of simulated beats."""

import numpy as np
import pytest

from engine.metrics import probe_fit
from engine.metrics.classifying import auroc
from engine.metrics.heart_rate import heart_rate, plausible, window_rate
from engine.study import Trace


def _separable(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6)) * [1, 100, 1, 1, 1, 1] + 5
    return x, np.stack([x[:, 0] > 5, x[:, 1] > 5], 1)


def test_multi_label_probe_reads_what_is_linear_whatever_its_scale():
    (train, a), (valid, b), (test, c) = (_separable(200, seed) for seed in range(3))
    scores, strength = probe_fit.multi_label((train, valid, test), (a, b))
    assert strength in probe_fit.STRENGTHS
    assert auroc(scores[:, 0], c[:, 0])[0] > 0.97 and auroc(scores[:, 1], c[:, 1])[0] > 0.97


def test_multi_label_probe_reads_nothing_from_noise():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, 300, 4)), rng.random((3, 300, 1)) > 0.5
    scores, _ = probe_fit.multi_label((x[0], x[1], x[2]), (y[0], y[1]))
    assert abs(auroc(scores[:, 0], y[2, :, 0])[0] - 0.5) < 0.1


def test_standardised_uses_train_alone():
    train, other = probe_fit.standardised(np.array([[0.0, 3], [2, 3]]), np.array([[4.0, 3]]))
    assert train.tolist() == [[-1, 0], [1, 0]] and other.tolist() == [[3, 0]]


def test_chosen_ridge_recovers_a_line():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 100, 3))
    wanted = x @ np.array([10.0, 0, -5]) + 70
    predicted, alpha = probe_fit.chosen_ridge((x[0], x[1], x[2]), (wanted[0], wanted[1]), 5.0)
    assert alpha in probe_fit.RIDGES and np.abs(predicted - wanted[2]).max() < 5


def test_folds_deal_whole_patients_evenly():
    patients = np.repeat([f"p{i}" for i in range(20)], 3)
    fold = probe_fit.folds(patients, 10)
    assert all(len(set(fold[patients == name])) == 1 for name in set(patients))
    assert np.bincount(fold).tolist() == [6] * 10


def test_heart_rate_is_of_the_middle_interval_or_of_the_mean_one():
    assert heart_rate(np.array([0, 100, 200, 300]), 125.0) == 75.0
    one_missed = np.array([0.0, 1.0, 2.0, 4.0, 5.0])  # seconds
    assert heart_rate(one_missed) == 60.0
    assert heart_rate(one_missed, statistic="mean") == 48.0
    assert np.isnan(heart_rate(np.array([0, 100]), 125.0, min_beats=4))
    assert np.isnan(heart_rate(np.array([3.0])))
    assert np.isnan(heart_rate(np.array([]), statistic="mean"))


def test_a_rate_outside_the_limits_is_none():
    assert plausible(75.0) == 75.0
    assert np.isnan(plausible(1500.0))
    assert np.isnan(plausible(24.0))


def test_heart_rate_of_a_pulse_wave_and_of_a_simulated_ecg():
    import neurokit2 as nk

    pulse = np.exp(2 * np.sin(2 * np.pi * np.arange(1250) / 125 * 80 / 60))
    assert window_rate(_trace(pulse, "PPG")) == pytest.approx(80, abs=1)
    ecg = nk.ecg_simulate(duration=10, sampling_rate=125, heart_rate=80, random_state=1)
    assert window_rate(_trace(np.asarray(ecg), "II")) == pytest.approx(80, abs=3)


def _trace(samples: np.ndarray, lead: str) -> Trace:
    return Trace(samples.astype(np.float32)[None], (lead,), 125.0, "au" if lead == "PPG" else "mV")


def test_heart_rate_of_a_flat_line_is_unknown():
    assert np.isnan(window_rate(Trace(np.zeros((1, 1250), np.float32), ("PPG",), 125.0, "au")))
    assert np.isnan(window_rate(Trace(np.zeros((1, 1250), np.float32), ("II",), 125.0, "mV")))
