"""Resampling: what survives, what is filtered out, what stays missing; gaps and bands."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import periodogram

from engine.signals import at_rate, band_pass, clipped_share, fill_gaps, flat_share, in_runs, resample, spectrum


@pytest.mark.parametrize(
    ("fs", "to"), [(500, 100), (1000, 100), (360, 100), (128, 125), (257.3, 100), (100, 500), (50, 100)]
)
def test_a_slow_wave_survives_any_pair_of_rates(fs: float, to: float) -> None:
    t = np.arange(round(10 * fs)) / fs
    out = resample(np.sin(2 * np.pi * 3 * t)[None], fs, to)
    assert out.shape == (1, round(t.size * to / fs))
    inner = slice(round(0.5 * to), -round(0.5 * to))
    expected = np.sin(2 * np.pi * 3 * np.arange(out.shape[1]) / to)
    np.testing.assert_allclose(out[0, inner], expected[inner], atol=0.03)


def test_what_lies_above_the_new_nyquist_rate_is_removed() -> None:
    t = np.arange(5000) / 500
    out = resample(np.sin(2 * np.pi * 90 * t), 500, 100)  # would fold to 10 Hz
    assert np.abs(out[50:-50]).max() < 0.05


def test_a_constant_stays_constant_up_to_the_edges() -> None:
    np.testing.assert_allclose(resample(np.full((2, 5000), 3.0), 500, 100), 3.0, atol=0.01)


def test_missing_samples_stay_missing_and_do_not_spread() -> None:
    t = np.arange(5000) / 500
    samples = np.stack([np.sin(2 * np.pi * t), np.sin(2 * np.pi * t)])
    samples[0, 1000:1500] = np.nan
    out = resample(samples, 500, 100)
    assert np.isnan(out[0, 200:300]).all()
    assert np.isnan(out).sum() == 100
    np.testing.assert_allclose(out[1, 20:-20], np.sin(2 * np.pi * np.arange(1000) / 100)[20:-20], atol=0.02)


def test_the_input_is_left_alone() -> None:
    samples = np.ones((1, 100), np.float32)
    resample(samples, 100, 100)[:] = 5
    assert (samples == 1).all()


def test_gaps_become_straight_lines_and_an_empty_row_zeros() -> None:
    nan = np.nan
    rows = np.array([[nan, 1.0, nan, 3.0, nan], [nan] * 5, [0.0, np.inf, 4.0, 1.0, 1.0]])
    before = rows.copy()
    assert fill_gaps(rows).tolist() == [[1.0, 1.0, 2.0, 3.0, 3.0], [0.0] * 5, [0.0, 2.0, 4.0, 1.0, 1.0]]
    np.testing.assert_array_equal(rows, before)  # a copy is filled
    assert fill_gaps(rows.astype(np.float32)).dtype == np.float32


def test_another_rate_keeps_the_precision() -> None:
    wave = np.sin(2 * np.pi * 3 * np.arange(5000) / 500)[None]
    assert at_rate(wave, 500, 100).dtype == np.float64
    np.testing.assert_allclose(at_rate(wave, 500, 100), resample(wave, 500, 100), atol=1e-6)


def test_a_band_keeps_what_lies_in_it_without_a_shift() -> None:
    t = np.arange(5000) / 500
    inside, below, above = (np.sin(2 * np.pi * hz * t) for hz in (10.0, 0.1, 120.0))
    for pad in (None, 1500):
        out = band_pass(np.stack([inside + below + above]), 500, 2.0, 40.0, pad=pad)
        np.testing.assert_allclose(out[0, 500:-500], inside[500:-500], atol=0.03)
    assert band_pass(np.zeros((2, 10)), 500, 0.5, 40.0).shape == (2, 10)  # shorter than any padding


@pytest.mark.parametrize("n", [999, 5000])
def test_the_spectrum_is_that_of_a_hann_windowed_periodogram_without_its_line(n: int) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(3, n)) + np.linspace(0, 40, n) + 7.0
    freqs, power = spectrum(rows, 500.0)
    expected_freqs, expected = periodogram(rows, 500.0, window="hann", detrend="linear", axis=1)
    np.testing.assert_allclose(freqs, expected_freqs)
    np.testing.assert_allclose(power, expected, rtol=1e-9, atol=1e-12 * expected.max())


def test_a_run_ends_with_its_row() -> None:
    flags = np.array([[0, 1, 1], [1, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 1]], bool)
    assert in_runs(flags, 3).tolist() == [[False] * 3, [False] * 3, [True] * 3, [False] * 3, [False] * 3]
    assert in_runs(flags, 2).sum(axis=1).tolist() == [2, 2, 3, 0, 0]
    assert in_runs(flags[2], 3).tolist() == [True] * 3


def test_each_lead_has_its_own_flat_and_clipped_share() -> None:
    wave = np.sin(2 * np.pi * np.arange(1000) / 100)
    half = np.where(np.arange(1000) < 500, wave, 0.0)
    leads = np.stack([wave, half, np.zeros(1000), np.clip(wave, -0.5, 0.5)])
    np.testing.assert_allclose(flat_share(leads, 100.0, 1.0), [0.0, 0.5, 1.0, 0.0], atol=0.01)
    clipped = clipped_share(leads)
    assert clipped[0] < 0.1 < 0.6 < clipped[3] < 0.75
    assert clipped[2] == 1.0
