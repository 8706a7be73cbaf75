"""Drawings: millimetres are right, every lead is there, signs do not rest on colour, films keep their greys."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.drawing import ecg_paper, signed_colours
from engine.drawing.film import grey8
from engine.drawing.palette import cividis, hex_of, paper
from engine.drawing.trace_sheet import trace_sheet
from engine.explain.overlay import blend, film_overlay, line_runs
from engine.study import ECG_LEADS, Film, Trace
from pages.shared import film, svg, trace

SVG = "{http://www.w3.org/2000/svg}"
PAPER = paper("light")


def pulse_train(units: str = "mV", fs: float = 250.0) -> Trace:
    """Twelve leads, 10 s, each with a 1 mV rectangle of 0.2 s every second; no lead equals another."""
    at = np.arange(int(10 * fs)) / fs
    square = ((at % 1.0) < 0.2).astype(np.float32)
    return Trace(np.stack([square * (1 + 0.02 * i) for i in range(12)]), ECG_LEADS, fs, units)


def points(svg: str) -> list[np.ndarray]:
    """All polylines of a drawing as (n, 2) arrays, mm."""
    lines = ElementTree.fromstring(svg).iter(f"{SVG}polyline")
    return [np.array([[float(v) for v in pair.split(",")] for pair in line.get("points").split()]) for line in lines]


def words(svg: str) -> list[str]:
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_second_is_25_mm_and_a_millivolt_is_10_mm():
    strip = trace.trace_svg(pulse_train(), PAPER, layout="12x1")
    lead_one = points(strip)[0]
    assert np.ptp(lead_one[:, 0]) == pytest.approx(250, abs=0.2)
    assert np.ptp(lead_one[:, 1]) == pytest.approx(10, abs=0.05)


def test_grid_has_squares_of_one_and_five_millimetres():
    strip = trace.trace_svg(pulse_train(), PAPER)
    grids = {p.get("id"): p for p in ElementTree.fromstring(strip).iter(f"{SVG}pattern")}
    sizes = {name: (p.get("width"), p.get("height")) for name, p in grids.items()}
    assert sizes == {"g1": ("1", "1"), "g5": ("5", "5")}
    assert all("H" in p[0].get("d") for p in grids.values())


@pytest.mark.parametrize("units", ["sd", "au"])
def test_amplitudes_without_millivolts_get_no_millivolt_grid_and_no_pulse(units):
    strip = trace.trace_svg(pulse_train(units), PAPER)
    patterns = list(ElementTree.fromstring(strip).iter(f"{SVG}pattern"))
    assert patterns
    assert all("H" not in pattern[0].get("d") for pattern in patterns)
    assert "10 mm/mV" not in strip
    paths = len(list(ElementTree.fromstring(strip).iter(f"{SVG}path")))
    calibrated = len(list(ElementTree.fromstring(trace.trace_svg(pulse_train(), PAPER)).iter(f"{SVG}path")))
    assert calibrated == paths + 4  # one calibration pulse before each of the four rows


@pytest.mark.parametrize("key", ["3x4r", "6x2", "12x1", "cabrera"])
def test_strip_names_each_lead_once_and_prints_its_settings(key):
    said = [word.removeprefix("\u2212") for word in words(trace.trace_svg(pulse_train(), PAPER, layout=key))]
    layout = ecg_paper.layouts()[key]
    for lead in ECG_LEADS:
        assert said.count(lead) == 1 + layout.rhythm.count(lead)
    assert "25 mm/s, 10 mm/mV · 250 Hz · 10 s" in said


def test_cabrera_draws_avr_upside_down():
    recording, layout = pulse_train(), ecg_paper.layouts()["cabrera"]
    (shown,) = (curve for curve in ecg_paper.ecg_strip(recording, layout).curves if curve.lead == "aVR")
    assert shown.name == "\u2212aVR"
    assert shown.points[:, 1].max() - shown.base == pytest.approx(10 * (1 + 0.02 * ECG_LEADS.index("aVR")), abs=0.01)


@pytest.mark.parametrize("key", ["3x4r", "6x2", "12x1", "cabrera"])
@pytest.mark.parametrize("tallest", [0.3, 2.0, 4.5])
def test_no_curve_is_cut_off_and_no_two_rows_or_names_meet(key, tallest):
    """R waves of up to `tallest` mV and S waves half as deep, of other heights and at other times in every lead."""
    at, rng = np.arange(2500) / 250, np.random.default_rng(5)
    heights, places = rng.uniform(-0.5, 1.0, 12) * tallest, rng.uniform(0, 0.8, 12)
    samples = np.stack(
        [h * np.exp(-((((at - p) % 0.8 - 0.4) / 0.03) ** 2)) for h, p in zip(heights, places, strict=True)]
    )
    recording = Trace(samples.astype(np.float32), ECG_LEADS, 250.0, "mV")
    strip = ecg_paper.ecg_strip(recording, ecg_paper.layouts()[key])
    for curve in strip.curves:
        assert curve.points[:, 1].min() > 0
        assert curve.points[:, 1].max() < strip.height - ecg_paper.BOTTOM
    for upper, lower in itertools.product(strip.curves, strip.curves):
        if upper.base < lower.base and upper.at[0] < lower.at[-1] and lower.at[0] < upper.at[-1]:
            common, first, second = np.intersect1d(upper.at, lower.at, return_indices=True)
            assert common.size
            assert (upper.points[first, 1] < lower.points[second, 1] - 1).all()
    for curve, named in itertools.product(strip.curves, strip.curves):
        x, y = named.corner
        beside = (curve.points[:, 0] > x) & (curve.points[:, 0] < x + 8)
        inside = (curve.points[:, 1] > y - ecg_paper.NAME_MM) & (curve.points[:, 1] < y)
        assert not (beside & inside).any()


def test_a_card_shows_tall_waves_whole_and_says_which_leads_it_shows():
    at = np.arange(2500) / 250
    spikes = np.exp(-((((at % 0.8) - 0.4) / 0.02) ** 2))
    recording = Trace(np.stack([spikes * 4.0] * 12).astype(np.float32), ECG_LEADS, 250.0, "mV")
    drawn = trace.thumb_svg(recording, PAPER)
    _, _, width, height = (float(v) for v in ElementTree.fromstring(drawn).get("viewBox").split())
    assert width / height == pytest.approx(1.5)
    curves = points(drawn)
    assert len(curves) == 2
    assert all(curve[:, 1].min() > 0 and curve[:, 1].max() < height for curve in curves)
    assert np.ptp(curves[0][:, 1]) == pytest.approx(40, abs=0.3)
    assert "II and V5" in trace.thumb_alternative(recording)


def test_columns_show_consecutive_time_of_their_own_lead():
    recording = pulse_train()
    curves = points(trace.trace_svg(recording, PAPER))
    assert len(curves) == 13
    heights = [np.ptp(curve[:, 1]) / 10 for curve in curves]
    order = [lead for row in ecg_paper.layouts()["3x4r"].rows for lead in row] + ["II"]
    expected = [1 + 0.02 * ECG_LEADS.index(lead) for lead in order]
    assert heights == pytest.approx(expected, abs=0.01)
    starts = [round((curve[0, 0] - ecg_paper.LEFT) / 25, 1) for curve in curves[:4]]
    assert starts == [0.0, 2.5, 5.0, 7.5]


def test_one_wearable_lead_is_drawn_alone():
    whole = pulse_train()
    single = Trace(whole.samples[1:2], ("II",), whole.fs, "mV")
    assert len(points(trace.trace_svg(single, PAPER))) == 1
    assert "1 lead" in trace.alternative(single)


def test_missing_samples_break_the_line():
    recording = pulse_train()
    holed = recording.samples.copy()
    holed[0, 500:700] = np.nan
    whole = points(trace.trace_svg(recording, PAPER, layout="12x1"))
    broken = points(trace.trace_svg(Trace(holed, ECG_LEADS, recording.fs, "mV"), PAPER, layout="12x1"))
    assert len(broken) == len(whole) + 1


def test_sign_of_an_attribution_shows_without_colour():
    values = np.zeros((12, 1000))
    values[1, :100], values[1, 200:300] = 1.0, -1.0
    strip = trace.trace_svg(pulse_train(), PAPER, layout="12x1", overlay=values)
    bands = re.findall(r'<g stroke="#\w+" stroke-width="[\d.]+" opacity="[\d.]+"( stroke-dasharray="[^"]+")?>', strip)
    assert len(bands) == 2
    assert {bool(dash) for dash in bands} == {True, False}


def test_attribution_lies_where_its_time_is():
    values = np.zeros((12, 1000))
    values[1, 300:400] = 1.0
    strip = trace.trace_svg(pulse_train(), PAPER, layout="12x1", overlay=values)
    band = re.search(r'stroke-width="2\.60" opacity="1\.00"><polyline points="([^"]+)"', strip).group(1)
    x = [(float(pair.split(",")[0]) - ecg_paper.LEFT) / 25 for pair in band.split()]
    assert min(x) == pytest.approx(3.0, abs=0.02)
    assert max(x) == pytest.approx(4.0, abs=0.02)


def test_pulse_has_seconds_and_says_that_its_amplitude_is_arbitrary():
    at = np.arange(1250) / 125
    recording = Trace(np.sin(at * 7)[None].astype(np.float32), ("PPG",), 125, "au")
    said = words(trace.trace_svg(recording, PAPER, window=(2.0, 6.0)))
    assert {"0", "5", "10"} <= set(said)
    assert any("arbitrary units" in line for line in said)
    assert "arbitrary" in trace.alternative(recording)


def test_film_keeps_its_greys_and_its_shape():
    pixels = np.linspace(0, 4095, 600 * 400).reshape(600, 400).astype(np.uint16)
    shown = grey8(Film(pixels, 12), film.SHOWN_PX)
    assert shown.shape == (600, 400)
    assert (shown.min(), shown.max()) == (0, 255)
    assert film.thumb(Film(pixels, 12)).shape == (film.THUMB_PX, film.THUMB_PX)


def test_film_overlay_touches_only_where_the_map_is_and_stripes_the_negative():
    picture = Film(np.full((300, 300), 90, np.uint8), 8)
    values = np.zeros((224, 224), np.float32)
    values[20:60, 20:60], values[150:200, 150:200] = 1.0, -1.0
    shown = film.overlaid(picture, values, 0.8)
    assert (shown[100:130, 220:280] == 90).all()
    positive, negative = shown[35:70, 35:70].astype(int), shown[210:260, 210:260].astype(int)
    assert (positive[..., 0] > positive[..., 2]).all()  # brown: more red than blue
    assert positive.std(axis=(0, 1)).max() < 3  # solid
    assert negative.std(axis=(0, 1)).max() > 15  # striped
    assert (film.overlaid(picture, values, 0.0) == 90).all()


@pytest.mark.parametrize("value", [-1.0, -0.5, 0.5, 1.0])
def test_page_and_picture_give_equal_colours_for_the_same_value(value):
    rgb = np.round(255 * signed_colours.colour(np.array(value), 1.0)).astype(int)
    black, values = np.zeros((64, 64), np.uint8), np.full((64, 64), value, np.float32)
    on_page = film.blended(black, values, 1.0).reshape(-1, 3).astype(int)
    on_picture = blend(black, film_overlay(values, limit=1.0, opacity=1.0)).reshape(-1, 3).astype(int)
    for shown in (on_page, on_picture):  # both fade with the value; the hue is that of the scale
        brightest = shown[shown.sum(1).argmax()]
        assert brightest / brightest.max() == pytest.approx(rgb / rgb.max(), abs=0.02)
    x = np.arange(9.0)
    (run,) = line_runs(x, x, np.full(9, value), limit=1.0)
    assert f'<g stroke="{run.colour}"' in svg.highlight(x, x, np.full(9, value), 1.0)
    assert run.colour == hex_of(rgb / 255)


def test_quality_runs_from_dark_to_light():
    assert (np.diff(cividis(np.linspace(0, 1, 20)).sum(1)) > 0).all()


def test_print_and_page_draw_a_strip_from_one_geometry():
    recording = pulse_train()
    sheet, drawn = trace_sheet(recording), points(trace.trace_svg(recording, PAPER))
    assert len(sheet.curves) == len(drawn) + 4  # and one calibration pulse for each row
    for printed, shown in zip(sheet.curves, drawn, strict=False):
        assert np.abs(printed.points - shown).max() < 0.006  # SVG has two decimals
    assert sheet.caption(1.0) in words(trace.trace_svg(recording, PAPER))
    assert sheet.alt == trace.alternative(recording)


def test_numbers_behind_a_trace_carry_their_unit():
    table = trace.numbers(pulse_train())
    assert list(table.iloc[:, 0]) == list(ECG_LEADS)
    assert any("mV" in column for column in table.columns)
    assert table.iloc[0, 3] == "1.00"


def test_a_day_is_drawn_by_a_few_thousand_points_and_keeps_its_extremes() -> None:
    samples = np.sin(np.arange(24 * 3600 * 20) / 3, dtype=np.float32)[None]
    samples[0, 1_000_000] = 50.0
    drawn = np.concatenate(points(trace.overview_svg(Trace(samples, ("II",), 20.0, "mV"), PAPER, (50_000.0, 50_010.0))))
    assert 2000 < len(drawn) <= 2 * trace.MAX_COLUMNS
    assert drawn[:, 1].min() == 0 < trace.EDGE  # the spike reaches the edge, above what the height is scaled to
