"""Viewers: paper and rulers measure what they say, controls change the picture alone, and a quiz gives nothing away."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.screens import PATIENCE_S
from streamlit.testing.v1 import AppTest

from engine.drawing.palette import paper
from engine.intake.quality.rate import quality_strip, rate_of
from engine.strings import text
from engine.study import ECG_LEADS, Film, Study, Trace
from pages.shared.viewer import Panel, ecg_figure, film_window, ppg_figure
from pages.shared.viewer.ecg_figure import PaperScale, Strip

PAPER = paper("dark")
BEAT_S = 0.75  # 80 per minute


def ecg(units: str = "mV", leads: tuple[str, ...] = ECG_LEADS, fs: float = 250.0) -> Trace:
    """Ten seconds with an R wave of 1 mV every 0.75 s, and a hump after each."""
    at = np.arange(int(10 * fs)) / fs
    phase = at % BEAT_S
    wave = np.exp(-(((phase - 0.3) / 0.012) ** 2)) + 0.2 * np.exp(-(((phase - 0.55) / 0.04) ** 2))
    noise = np.random.default_rng(2).normal(0, 0.005, (len(leads), at.size))
    return Trace((wave + noise).astype(np.float32), leads, fs, units)


def pulse(seconds: float, fs: float = 125.0) -> Trace:
    at = np.arange(int(seconds * fs)) / fs
    wave = np.sin(2 * np.pi * at / BEAT_S) + 0.3 * np.sin(4 * np.pi * at / BEAT_S + 1)
    return Trace(wave[None].astype(np.float32), ("PPG",), fs, "au")


def radiograph(spacing: tuple[float, float] | None = (0.2, 0.1)) -> Film:
    rows, columns = np.indices((300, 200))
    return Film(((rows + columns) / 498 * 4095).astype(np.uint16), 12, spacing)


def strip(trace: Trace) -> Strip:
    found = rate_of(trace)
    return Strip(Panel(Study("ecg", trace, "ECG")), trace, 0.0, found.lead, found.beats_s)


@pytest.mark.parametrize(("speed", "gain"), [(12.5, 5), (25, 10), (50, 20)])
def test_a_caliper_reads_milliseconds_and_millivolts_at_every_setting(speed, gain):
    scale = PaperScale(speed, gain, "12x1")
    drawn, _ = ecg_figure.figure([strip(ecg())], scale, PAPER, "red")
    line = drawn.data[0]
    first = np.asarray(line.y[: line.x.tolist().index(max(line.x[:2500]))], dtype=float)
    assert np.ptp(first) == pytest.approx(gain, rel=0.05)  # 1 mV
    assert max(line.x[:2500]) == pytest.approx(10 * speed, abs=0.3)  # 10 s
    template = drawn.layout.newshape.label.texttemplate
    assert template == f"%{{dx*{1000 / speed:g}:.0f}} ms, %{{dy/{gain}:.2f}} mV"


def test_squares_of_the_paper_are_square_and_one_and_five_millimetres():
    drawn, _ = ecg_figure.figure([strip(ecg())] * 2, PaperScale(), PAPER, "red")
    for across, up in ((drawn.layout.xaxis, drawn.layout.yaxis), (drawn.layout.xaxis2, drawn.layout.yaxis2)):
        assert (across.dtick, across.minor.dtick, up.dtick, up.minor.dtick) == (5, 1, 5, 1)
        assert up.scaleanchor.startswith("x")
        assert up.scaleratio in (None, 1)
    assert (drawn.layout.xaxis2.matches, drawn.layout.yaxis2.matches) == ("x", "y")


@pytest.mark.parametrize("units", ["sd", "au"])
def test_unknown_amplitude_gets_no_millivolt_lines_no_pulse_and_no_millivolt_caliper(units):
    drawn, _ = ecg_figure.figure([strip(ecg(units))], PaperScale(), PAPER, "red")
    assert drawn.layout.yaxis.showgrid is False
    assert drawn.layout.yaxis.minor.showgrid is False
    assert "mV" not in drawn.layout.newshape.label.texttemplate
    assert np.nanmin(np.asarray(drawn.data[0].x, dtype=float)) >= 0  # nothing stands in the margin of the pulse
    assert not any("mm/mV" in str(words) for one in drawn.data for words in (one.text or ()))


@pytest.mark.parametrize("layout", ["3x4r", "6x2", "12x1"])
def test_every_lead_is_named_and_the_settings_are_printed(layout):
    drawn, _ = ecg_figure.figure([strip(ecg())], PaperScale(layout=layout), PAPER, "red")
    said = [words for one in drawn.data for words in (one.text or ())]
    assert {words for words in said if words.startswith("<b>")} == {f"<b>{lead}</b>" for lead in ECG_LEADS}
    assert any("25 mm/s, 10 mm/mV · 250 Hz · 10 s" in words and "filter" in words for words in said)
    assert len(drawn.data) < 10  # few shapes, however many leads


def test_heart_and_pulse_rate_are_those_of_the_recording():
    assert rate_of(ecg()).per_minute == pytest.approx(80, abs=1)
    assert rate_of(pulse(20)).per_minute == pytest.approx(80, abs=1)
    noise = np.random.default_rng(1).normal(0, 1, (12, 2500)).astype(np.float32)
    assert rate_of(Trace(noise, ECG_LEADS, 250.0, "mV")) is None


def test_quality_stays_between_0_and_1_and_covers_the_recording():
    found = quality_strip(pulse(47))
    assert [one.start_s for one in found[1:]] == [one.end_s for one in found[:-1]]
    assert (found[0].start_s, found[-1].end_s) == (0.0, pytest.approx(47))
    assert all(0.0 <= one.score <= 1.0 for one in found)


def test_overview_of_a_long_recording_keeps_its_extremes():
    long = pulse(1800)
    long.samples[0, 100_000] = 9.0
    x, y = ppg_figure.envelope(long)
    assert x.size <= 2 * ppg_figure.COLUMNS
    assert y.max() == 9.0
    assert x[np.argmax(y)] == pytest.approx(800, abs=1)


def test_presets_cut_the_films_own_greys_at_their_percentiles():
    film = radiograph()
    windows = film_window.windows(film)
    assert windows["full"] == {"low": 0, "high": 4095}
    assert np.mean(film.pixels < windows["auto"]["low"]) == pytest.approx(0.01, abs=0.005)
    assert np.mean(film.pixels > windows["auto"]["high"]) == pytest.approx(0.01, abs=0.005)
    assert windows["dark"]["high"] < windows["bright"]["high"]


def shown(study: Study, anonymous: bool = False) -> AppTest:
    """The viewer on a page of its own."""

    def page(study, anonymous):
        from pages.shared import viewer

        viewer.draw(study, key="one", anonymous=anonymous, title="" if anonymous else "Mine")

    return AppTest.from_function(page, args=(study, anonymous), default_timeout=PATIENCE_S).run()


def words_of(app: AppTest) -> str:
    return " ".join(block.value for block in app.markdown)


def sent(app: AppTest) -> str:
    """What the browser gets of the film viewer, as JSON."""
    return next(one.proto.json for one in app.get("bidi_component"))


def test_a_film_states_its_spacing_and_depth_to_the_browser_and_says_where_there_is_none():
    app = shown(Study("cxr", radiograph(), "film", facts={"view": "PA"}, fingerprint="a" * 64))
    assert not app.exception
    panel = json.loads(sent(app))["panels"][0]
    assert (panel["spacing"], panel["bits"], panel["width"], panel["height"]) == ([0.2, 0.1], 12, 200, 300)
    assert "0.2 × 0.1 mm" in panel["facts"]
    app = shown(Study("cxr", radiograph(None), "film", fingerprint="e" * 64))
    assert "per cent" in json.loads(sent(app))["panels"][0]["facts"]


def test_ecg_and_pulse_say_their_rate_and_turn_a_span_into_one():
    app = shown(Study("ecg", ecg(), "ECG", fingerprint="b" * 64))
    assert not app.exception
    assert "**80 per minute**" in words_of(app)
    app.number_input(key="one-span").set_value(600).run()
    assert "**100 per minute**" in words_of(app)
    app = shown(Study("ppg", pulse(120), "PPG", fingerprint="c" * 64))
    assert not app.exception
    assert "**80 per minute**" in words_of(app)


def test_an_anonymous_film_names_no_view_but_keeps_the_mark_of_a_synthetic_one():
    facts = {"view": "PA", "labels": ("Effusion",), "cohort": "ward", "synthetic": True}
    study = Study("cxr", radiograph(), "DICOM secret.dcm", facts=facts, fingerprint="d" * 64)
    app = shown(study, anonymous=True)
    assert not app.exception
    everything = repr(app._tree) + sent(app)
    for secret in ("Effusion", "ward", "secret", "PA view"):
        assert secret not in everything
    assert Panel(study, anonymous=True).stamp == text("card.synthetic")
