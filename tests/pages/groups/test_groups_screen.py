"""Groups on screen: what the release's figures say in a sentence, picture and table, and this collection's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.promotions import promoted
from helpers.rounds import written
from helpers.screens import fine, held_by_the_app, new_screen, opened, table_rows, words
from streamlit.testing.v1 import AppTest

from engine.evaluate.fairness import FOUND, LIFT, PRECISION
from engine.evaluate.fairness_reading import gap_of, ordered, rows_of
from engine.evaluate.recorded import record, recorded
from engine.model.release import load_release
from engine.store import group_radii
from engine.strings import speaking, text
from engine.workspace.workspace import Workspace
from pages.groups import words as groups_words
from pages.groups.figure import figure


def made(most: float, band: float, patients: int = 50) -> dict[str, Any]:
    """Return a comparison of two views whose P@5 is 0.6 and 0.3."""

    def group(name: str, value: float) -> dict[str, Any]:
        figures: dict[str, dict[str, float | None]] = {
            PRECISION: {"value": value, "low": value - 0.1, "high": value + 0.1}
        }
        figures[LIFT] = {"value": value - 0.2, "low": None, "high": None}
        return {"name": name, "patients": patients, "studies": 60, "few": patients < 30, "figures": figures}

    gap = {
        "value": most - 0.3,
        "low": 0,
        "high": 1,
        "band": band,
        "beyond": most - 0.3 > band,
        "most": "AP",
        "least": "PA",
    }
    gaps = {} if patients < 30 else {PRECISION: gap}
    return {
        "query": "cxr",
        "target": "cxr",
        "source": "nih",
        "by": "view",
        "groups": [group("AP", most), group("PA", 0.3)],
        "gaps": gaps,
    }


def test_what_differs_most_against_chance_comes_first_and_few_people_last() -> None:
    sections = [made(0.6, 0.5), made(0.6, 0.1, patients=9), made(0.6, 0.1)]
    assert ordered(sections, PRECISION) == [2, 0, 1]
    gap = gap_of(sections[2], PRECISION)
    assert gap is not None and gap.beyond and (gap.highest, gap.lowest) == (0.6, 0.3)
    assert gap_of(sections[1], PRECISION) is None and gap_of(sections[2], FOUND) is None


def test_the_picture_has_intervals_chance_band_and_hollow_dots_for_few() -> None:
    section = made(0.6, 0.1)
    rows = rows_of(section, PRECISION)
    drawn = figure(rows, ["A<b>", "PA"], gap_of(section, PRECISION), "x", "dark").to_plotly_json()
    solid, hollow, chance = drawn["data"]
    assert list(solid["x"]) == [0.6, 0.3] and list(hollow["x"]) == []
    assert solid["error_x"]["array"] == pytest.approx([0.1, 0.1]) and list(chance["x"]) == pytest.approx([0.2, 0.2])
    (band,) = drawn["layout"]["shapes"]
    assert band["x1"] - band["x0"] == pytest.approx(0.1)
    assert drawn["layout"]["yaxis"]["ticktext"][0] == "A&lt;b><br>n = 50"
    few = figure(rows_of(made(0.6, 0.1, patients=9), PRECISION), ["A", "B"], None, "x", "light").to_plotly_json()
    assert few["data"][1]["marker"]["symbol"] == "circle-open" and "shapes" not in few["layout"]


@pytest.fixture
def place(
    few_patients: Callable[[int, int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    folder = shutil.copytree(few_patients(40, 0), tmp_path / "ws")
    with held_by_the_app(folder, monkeypatch) as here:
        yield here


def on_screen() -> AppTest:
    return fine(opened(new_screen().run(), "groups"))


def test_the_first_sentence_and_the_table_are_the_recorded_figures(place: Workspace) -> None:
    kept = recorded(load_release(), "fairness")
    assert kept is not None, "the release carries no figures of groups: casebind evaluate fairness --record"
    sections = kept.measured["sections"]
    first = sections[ordered(sections, PRECISION)[0]]
    gap = gap_of(first, PRECISION)
    app = on_screen()
    said = words(app)
    assert gap is not None and f"{gap.lowest:.2f}" in said and f"{gap.band:.2f}" in said
    (source,) = [one.value for one in app.markdown if kept.date in one.value]
    assert kept.command in source
    for row in rows_of(first, PRECISION):
        assert row.value is not None and any(f"{row.value:.2f} (" in cell for line in table_rows(app) for cell in line)
    assert text("groups.few_people", by=text("groups.by_skin_tone"), n=4) in said


def test_another_figure_and_this_collection_are_chosen_and_few_people_are_named(place: Workspace) -> None:
    app = on_screen()
    app.selectbox(key="groups-metric").select(FOUND)
    fine(app.run())
    assert text("groups.metric_found") in words(app)
    app.segmented_control(key="groups-of").set_value("collection")
    said = words(fine(app.run()))
    assert any(text("groups.source_collection") in one.value for one in app.markdown) and text(
        "groups.synthetic"
    ) in " ".join(app.selectbox(key="groups-compare").options)
    assert "fewer than two groups have 30 patients" in said


def test_a_maintainer_switches_radii_that_the_serving_release_offers(place: Workspace) -> None:
    serving = written(place.path, load_release())
    promoted(place, serving)
    trial = {
        "common": 89,
        "radii": {"AP": 91, "PA": 88},
        "offered": True,
        "before": {"value": 0.12},
        "after": {"value": 0.04, "band": 0.09},
        "kept_found": {"value": 0.99},
        "kept_precision": {"value": 1.07},
    }
    figures = {"sections": [{**made(0.6, 0.1), "radii": trial}], "looked_at": {"gaps": 1, "beyond": 1}, "few": []}
    record(serving, "fairness", figures, command="c", split="valid", seconds=1)
    app = on_screen()
    assert "0.12" in words(app) and group_radii.in_use(place.database, serving.digest) == []
    (switch,) = app.toggle
    fine(switch.set_value(True).run())
    (used,) = group_radii.in_use(place.database, serving.digest)
    assert used.radii == {"AP": 91, "PA": 88} and text("group_radius.in_use", radii="").rstrip(".") in words(app)
    fine(app.toggle[0].set_value(False).run())
    assert group_radii.in_use(place.database, serving.digest) == []


def test_a_group_is_named_as_a_sentence_needs_it() -> None:
    gap = gap_of(made(0.6, 0.1), PRECISION)
    assert gap is not None and groups_words.group("view", gap.most) == text("group_radius.for_AP")
    assert groups_words.group("cohort", "AP") == "AP"


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_every_sentence_takes_the_same_figures_in_each_language(language: str) -> None:
    named = {"asks": "A", "metric": "M", "most": "x", "least": "y", "high": "1", "low": "2", "gap": "3", "band": "4"}
    for kind in ("finds", "more", "chance"):
        with speaking(language):
            assert all(value in text(f"groups.said_{kind}", **named) for value in named.values())
