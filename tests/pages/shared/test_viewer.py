"""Viewers: paper and rulers measure what they say, controls change the picture alone, and a quiz gives nothing away."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers.screens import PATIENCE_S
from streamlit.testing.v1 import AppTest

from engine.intake.quality.rate import quality_strip, rate_of
from engine.metrics.ecg_intervals import estimate_intervals
from engine.metrics.median_beat import median_beat
from engine.strings import text
from engine.study import ECG_LEADS, Film, Study, Trace
from pages.shared.viewer import Panel, film_window, trace_bytes, trace_data

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


def given(study: Study, **options: object) -> dict[str, object]:
    """What the browser is given of one recording, as a page sends it."""

    def page(study, options):
        from pages.shared import viewer

        viewer.draw(study, key="one", **options)

    app = AppTest.from_function(page, args=(study, options), default_timeout=PATIENCE_S).run()
    assert not app.exception
    return json.loads(app.get("bidi_component")[0].proto.json)


def recorded(trace: Trace, **facts: object) -> Study:
    modality = "ppg" if trace.leads == ("PPG",) else "ecg"
    return Study(modality, trace, "recording", facts=facts, fingerprint=f"{trace.samples.sum():.4f}".rjust(64, "0"))


def test_an_ecg_is_sent_with_every_layout_its_rows_at_every_gain_and_its_rate():
    data = given(recorded(ecg()))
    (panel,) = data["panels"]
    assert set(panel["layouts"]) == {"3x4r", "6x2", "12x1", "cabrera"}
    for layout in panel["layouts"].values():
        assert sorted(lead.removeprefix("-") for row in layout["rows"] for lead in row) == sorted(ECG_LEADS)
        for gain in ("5", "10", "20"):
            bases = layout["places"][gain]["bases"]
            assert len(bases) == len(layout["rows"]) + len(layout["rhythm"])
            assert (np.diff(bases) > 0).all()
        assert layout["places"]["20"]["height"] > layout["places"]["5"]["height"]
    assert "Heart rate 80 per minute" in panel["rate"]
    assert panel["rr"] == pytest.approx(1000 * BEAT_S, abs=2)
    assert data["complexes"]["curves"][0]["title"] == "median of 13 beats"
    assert "filter" in panel["settings"]


def test_intervals_are_estimated_on_the_median_beats_and_withheld_where_a_wave_is_not_clear():
    at = np.arange(2500) / 250
    phase = at % BEAT_S - 0.35  # from R: P from -0.2 to -0.12, QRS from -0.04 to 0.04, T to 0.32
    wave = 0.15 * np.exp(-(((phase + 0.16) / 0.02) ** 2)) + 1.2 * np.clip(1 - np.abs(phase) / 0.04, 0, None)
    t_wave = 0.3 * np.clip(1 - np.abs(phase - 0.24) / 0.08, 0, None)
    factors = np.linspace(0.5, 1.2, 12)[:, None]
    noise = np.random.default_rng(4).normal(0, 0.002, (12, at.size))
    beats = np.arange(13) * BEAT_S + 0.35
    even = np.full(12, 1000 * BEAT_S)
    found = estimate_intervals(
        median_beat(Trace(factors * (wave + t_wave) + noise, ECG_LEADS, 250.0, "mV"), beats), even
    )
    assert (found.pr, found.qrs, found.qt) == (
        pytest.approx(155, abs=20),
        pytest.approx(80, abs=12),
        pytest.approx(360, abs=20),
    )
    assert found.qtc_bazett == pytest.approx(found.qt / BEAT_S**0.5)
    assert found.qtc_fridericia == pytest.approx(found.qt / BEAT_S ** (1 / 3))
    uneven = estimate_intervals(
        median_beat(Trace(factors * (wave + t_wave) + noise, ECG_LEADS, 250.0, "mV"), beats),
        even * (1 + 0.3 * (-1) ** np.arange(12)),
    )
    assert uneven.pr is None  # as in atrial fibrillation
    flat = Trace(noise, ECG_LEADS, 250.0, "mV")
    assert estimate_intervals(median_beat(flat, beats), even) is None


def test_estimated_intervals_are_near_those_that_cardiologists_marked(recordings):
    """LUDB's manual marks, every third recording: median error of PR, QRS and QT, and how many are found."""
    table = pd.read_csv(recordings / "ecg" / "ecg.csv", low_memory=False).dropna(subset="intervals")
    stored = np.load(recordings / "ecg" / "ecg_mv.npz")
    errors: dict[str, list[float]] = {"pr": [], "qrs": [], "qt": []}
    for row in table.iloc[::3].itertuples():
        samples = stored["signals"][int(row.array_row)] * float(stored["scale"])
        trace = Trace(samples.astype(np.float32), ECG_LEADS, 100.0, "mV")
        beats, marked = rate_of(trace), json.loads(row.intervals)
        beat = None if beats is None else median_beat(trace, beats.beats_s)
        found = None if beat is None else estimate_intervals(beat, beats.intervals_ms)
        for name, known in errors.items():
            value, truth = getattr(found, name, None), marked.get(f"{name}_ms")
            if value is not None and truth is not None:
                known.append(abs(value - truth))
    middle = {name: float(np.median(known)) for name, known in errors.items()}
    assert middle["pr"] < 12
    assert middle["qrs"] < 9
    assert middle["qt"] < 19
    assert min(map(len, errors.values())) > 40


def test_only_recorded_leads_are_drawn_each_in_a_row_of_its_own():
    (panel,) = given(recorded(ecg(leads=("II", "V5"))))["panels"]
    assert {str(layout["rows"]) for layout in panel["layouts"].values()} == {str([["II"], ["V5"]])}


@pytest.mark.parametrize("units", ["sd", "au"])
def test_unknown_amplitude_is_said_and_has_no_millivolts(units):
    (panel,) = given(recorded(ecg(units)))["panels"]
    assert panel["units"] == units
    assert "mm/mV" not in panel["settings"] + panel["alt"]


def test_samples_keep_their_amplitudes_and_their_gaps():
    samples = np.array([[0.0, 1.5, np.nan, -3.0], [0.0, 0.0, 0.0, 0.0]], np.float32)
    content, scale = trace_bytes.samples_int16(samples)
    steps = np.frombuffer(content, "<i2").reshape(2, 4)
    assert steps[0, 2] == trace_bytes.MISSING
    known = np.isfinite(samples)
    assert (steps * np.array(scale)[:, None])[known] == pytest.approx(samples[known], abs=1e-4)


def test_a_map_keeps_its_largest_values_and_their_signs():
    values = np.zeros((1, 1000))
    values[0, 501], values[0, 744] = 1.0, -0.5
    levels = np.frombuffer(trace_bytes.map_levels(values, ecg(leads=("II",), fs=400.0)), np.int8)
    assert levels.size == 250
    assert (levels[125], levels[186], np.abs(levels).sum()) == (6, -3, 9)


def test_a_median_beat_leaves_a_premature_beat_and_noise_out():
    trace = ecg()
    beats = np.arange(1, 12) * BEAT_S + 0.3
    clean = median_beat(trace, beats)
    trace.samples[:, 1000:1100] += 2.0
    beat = median_beat(trace, beats)
    assert beat.samples.shape == (12, round(0.3 * 250) + round(0.6 * 250) + 1)
    assert np.argmax(beat.samples[1]) == round(0.3 * 250)
    assert np.abs(beat.samples - clean.samples).max() < 0.05
    assert median_beat(trace, beats[:2]) is None


def test_a_day_is_sent_by_a_stretch_around_what_is_searched():
    day = Trace(np.zeros((3, 24 * 3600 * 50), np.float32), ("I", "II", "III"), 50.0, "mV")
    sent = trace_data.sent_part(Panel(Study("ecg", day, "ECG", window_s=(40_000.0, 40_010.0))), 40_000.0)
    assert sent.trace.samples.size <= trace_data.MOST_SAMPLES
    assert sent.start_s < 40_000 < sent.start_s + sent.trace.duration_s - 10


def test_an_anonymous_recording_says_no_rate_no_beats_and_no_file():
    for trace in (ecg(), pulse(20)):
        data = given(recorded(trace, cohort="ward", labels=("AF",)), anonymous=True)
        (panel,) = data["panels"]
        assert (panel["rate"], panel["beats"], panel["rr"], panel["map"]) == ("", None, None, None)
        assert not any(word in json.dumps(data) for word in ("ward", '"AF"', "80 per minute", "median of 1"))


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
    long.samples[0, 100_000:100_200] = 9.0
    columns = trace_bytes.outline(long.samples[0])
    assert len(columns) == trace_bytes.COLUMNS
    highest = max(range(len(columns)), key=lambda i: columns[i][1])
    assert highest / len(columns) * 1800 == pytest.approx(800, abs=4)


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
    assert "% of the width" in json.loads(sent(app))["panels"][0]["facts"]


def test_a_pulse_says_its_rate_and_the_quality_of_every_stretch():
    (panel,) = given(recorded(pulse(120)))["panels"]
    assert "Pulse rate 80 per minute" in panel["rate"]
    assert [one["accepted"] for one in panel["quality"]] == [True] * 12
    assert panel["overview"]


def test_an_anonymous_film_names_no_view_but_keeps_the_mark_of_a_synthetic_one():
    facts = {"view": "PA", "labels": ("Effusion",), "cohort": "ward", "synthetic": True}
    study = Study("cxr", radiograph(), "DICOM secret.dcm", facts=facts, fingerprint="d" * 64)
    app = shown(study, anonymous=True)
    assert not app.exception
    everything = repr(app._tree) + sent(app)
    for secret in ("Effusion", "ward", "secret", "PA view"):
        assert secret not in everything
    assert Panel(study, anonymous=True).stamp == text("card.synthetic")
