"""Resampling: what survives, what is filtered out, what stays missing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.signals import resample


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
