"""The device's filters and peaks in numpy, each beside the hospital's by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from casebind_edge.stand_ins import filtering as device

from engine import filtering as hospital

BANDS = [(125, 0.4, 12), (100, 0.5, 40), (100, 8, 20), (50, 0.5, 8), (500, 0.5, 40), (15, 0.5, 6.75), (125, 0.05, 60)]
RATIOS = [(1, 5), (5, 18), (2, 1), (125, 128), (390, 1000), (5, 2), (10, 4), (1, 1)]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("fs", "low", "high"), BANDS)
@pytest.mark.parametrize("n", [2, 100, 1500])
def test_a_band_pass_is_scipy_s(random: np.random.Generator, fs: float, low: float, high: float, n: int) -> None:
    rows = np.cumsum(random.standard_normal((3, n)), axis=1)
    pad = min(n - 1, round(fs / low))
    wanted = hospital.band_passed(rows, fs, low, high, pad)
    got = device.band_passed(rows, fs, low, high, pad)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize(("up", "down"), RATIOS)
@pytest.mark.parametrize("n", [2, 5, 737, 5000])
def test_another_rate_is_scipy_s(random: np.random.Generator, up: int, down: int, n: int) -> None:
    rows = random.standard_normal((2, n)) + 5
    wanted = hospital.at_ratio(rows, up, down)
    np.testing.assert_allclose(device.at_ratio(rows, up, down), wanted, rtol=0, atol=1e-11)
    assert device.at_ratio(rows.astype(np.float32), up, down).dtype == np.float32


def test_peaks_and_moving_ranks_are_scipy_s(random: np.random.Generator) -> None:
    for turn in range(100):
        row = np.round(random.standard_normal(random.integers(1, 400)) * 3) / (1 + turn % 2 * 6)  # with level tops
        distance, width = int(random.integers(1, 20)), int(random.integers(1, 60))
        np.testing.assert_array_equal(device.peaks(row, distance), hospital.peaks(row, distance))
        rows = np.stack([row, -row])
        np.testing.assert_array_equal(device.moving_maximum(rows, width), hospital.moving_maximum(rows, width))
        width = min(width, row.size)
        np.testing.assert_array_equal(device.moving_median(row, width), hospital.moving_median(row, width))
