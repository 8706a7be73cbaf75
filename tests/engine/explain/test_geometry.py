"""Maps land on the pixels and samples they speak of, whatever the film's shape and the trace's rate."""

from __future__ import annotations

import numpy as np
import pytest

from engine.explain.geometry import blur_film, film_box, to_film, to_trace
from engine.model.cxr import prepare
from engine.study import ECG_LEADS, Film, Trace


@pytest.mark.parametrize(("height", "width"), [(700, 500), (500, 700), (224, 224), (90, 131), (1024, 2049)])
def test_a_square_comes_back_to_where_it_was(height: int, width: int) -> None:
    top, left, size = height // 5, width // 2, min(height, width) // 6
    pixels = np.zeros((height, width), np.uint8)
    pixels[top : top + size, left : left + size] = 255
    back = to_film(prepare(Film(pixels, 8)), (height, width))
    assert back.shape == (height, width)
    inside = back > back.max() / 2
    overlap = (inside & (pixels > 0)).sum() / (inside | (pixels > 0)).sum()
    rows, columns = np.nonzero(inside)
    centre, grid_px = (top + (size - 1) / 2, left + (size - 1) / 2), max(height, width) / 224
    assert overlap > 0.75
    assert (rows.mean(), columns.mean()) == pytest.approx(centre, abs=0.5 * grid_px)


def test_a_film_s_map_keeps_its_total() -> None:
    rng = np.random.default_rng(0)
    for shape in ((600, 400), (150, 150), (300, 1000)):
        values = np.zeros((224, 224), np.float32)
        box = film_box(shape)
        values[box] = rng.normal(0.1, 1, values[box].shape)
        smooth = blur_film(values, shape, 7.0)
        assert smooth.sum() == pytest.approx(values.sum(), rel=1e-3)
        assert to_film(smooth, shape).sum() == pytest.approx(values.sum(), rel=0.05)


def test_smoothing_does_not_leak_into_the_margins() -> None:
    shape = (400, 200)
    values = np.ones((224, 224), np.float32)
    values[:, :56] = values[:, 168:] = 0
    smooth = blur_film(values, shape, 7.0)
    assert film_box(shape) == (slice(0, 224), slice(56, 168))
    assert smooth == pytest.approx(values, abs=1e-5)


@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0, 1000.0])
def test_a_trace_s_map_keeps_its_times_and_its_total(fs: float) -> None:
    trace = Trace(np.zeros((3, round(10 * fs)), np.float32), ("II", "V1", "V5"), fs, "mV")
    values = np.zeros((12, 1000), np.float32)
    values[ECG_LEADS.index("V1"), 300:400] = 0.01  # third second
    values[ECG_LEADS.index("aVR"), 100:200] = 9.0  # a lead that the trace has not
    back = to_trace(values, 100.0, trace, 0.0, 10.0)
    assert np.abs(back[[0, 2]]).max() == 0
    times = np.flatnonzero(back[1] > back[1].max() / 2) / fs
    assert (times[0], times[-1]) == pytest.approx((3.0, 4.0), abs=0.012)
    assert back[1].sum() == pytest.approx(1.0, rel=0.01)


def test_what_was_not_searched_of_a_long_trace_stays_zero() -> None:
    trace = Trace(np.zeros((1, 60 * 125), np.float32), ("PPG",), 125.0, "au")
    back = to_trace(np.ones((1, 1250), np.float32), 125.0, trace, 20.0, 10.0)
    assert np.flatnonzero(back[0])[[0, -1]].tolist() == [20 * 125, 30 * 125 - 1]


def test_padding_after_a_short_trace_is_dropped() -> None:
    trace = Trace(np.zeros((1, 500), np.float32), ("PPG",), 125.0, "au")
    assert to_trace(np.ones((1, 1250), np.float32), 125.0, trace, 0.0, 4.0).sum() == pytest.approx(500)
