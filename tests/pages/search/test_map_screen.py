"""The map screen without a browser: being made, stopped, drawn, chosen from, and what an address opens."""

from __future__ import annotations

import time

import numpy as np
import pytest
from helpers.screens import address, keys, press, said_no_error, words
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.intake.read import read_text
from engine.map import job
from engine.map.file import file_of, load
from engine.model.release import load_release
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Options
from engine.strings import several, text
from engine.workspace.workspace import Workspace
from pages.map import state
from pages.shared.markdown import escaped

ECG = "syn-0001-e1-ecg"
LIMIT_S = 150


@pytest.fixture
def screen(app: AppTest) -> AppTest:
    """The app at the map screen."""
    app.switch_page("pages/map/page.py")
    app.query_params.clear()
    return said_no_error(app.run())


@pytest.fixture
def made(screen: AppTest, place: Workspace) -> AppTest:
    """The screen with its map, made by coming here."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        running = job.latest_job(place)
        if running is not None and running.step == "done":
            return said_no_error(screen.run())
        if "map-make" in keys(screen):  # stopped by the test before
            press(screen, "map-make")
        time.sleep(0.3)
    raise AssertionError("The map was not made.")


def ids(screen: AppTest) -> list[str]:
    """Return the studies whose cards are drawn."""
    start = "map-search-"
    return [one.key.removeprefix(start) for one in screen.button if (one.key or "").startswith(start)]


def test_coming_here_begins_to_make_the_map_which_can_be_stopped_and_begun_again(
    screen: AppTest, place: Workspace
) -> None:
    running = job.latest_job(place)
    assert running is not None
    press(screen, "map-stop")
    assert running.wait(LIMIT_S) and running.step == "stopped"
    said_no_error(screen.run())
    assert [one.value for one in screen.warning] == [text("map.stopped")]
    assert not file_of(place.path, load_release().name).exists()
    said_no_error(screen.run())
    assert job.latest_job(place) is running  # looking again begins nothing
    press(screen, "map-make")
    assert job.latest_job(place) is not running


def test_the_map_says_in_words_what_it_shows_and_how_much_it_keeps(made: AppTest, place: Workspace) -> None:
    said, chart = words(made), load(place.path, load_release().name)
    assert chart is not None and len(chart.ids) == len(place.all_rows())
    assert f"trustworthiness {chart.fidelity.trustworthiness:.3f}" in said and f"n = {chart.fidelity.n:,}" in said
    assert text("map.chosen_none") in said and ids(made) == []
    made.button_group(key="map-by").set_value("modality").run()
    assert address(made)["by"] == ["modality"]
    groups = made.table[0].value
    assert sum(int(n) for n in groups["Studies"]) == len(place.all_rows()) and len(groups) == 4


def test_filters_lead_to_a_list_and_live_in_the_address(made: AppTest, place: Workspace) -> None:
    made.button_group(key="map-kinds").set_value(["ecg"]).run()
    wanted = [row.study_id for row in place.all_rows() if row.modality == "ecg"]
    assert several(len(wanted), "map.chosen_filter", study="") in words(made) and address(made)["kinds"] == ["ecg"]
    assert ids(made) and set(ids(made)) <= set(wanted)
    while "map-more" in keys(made):
        press(made, "map-more")
    assert sorted(ids(made)) == sorted(wanted)


@pytest.mark.parametrize("kind", ["lasso", "box"])
def test_what_lies_within_a_gesture_is_listed_until_it_is_let_go(made: AppTest, place: Workspace, kind: str) -> None:
    chart = load(place.path, load_release().name)
    assert chart is not None
    low, high = np.quantile(chart.points, 0.2, axis=0), np.quantile(chart.points, 0.8, axis=0)
    corners = {"lasso": ([0, 0, 1, 1], [0, 1, 1, 0]), "box": ([0, 1], [0, 1])}[kind]
    xs, ys = ([(low, high)[at][axis] for at in side] for axis, side in enumerate(corners))
    made.session_state[state.OUTLINE] = (kind, tuple(map(float, xs)), tuple(map(float, ys)))
    said_no_error(made.run())
    inside = ((chart.points > low) & (chart.points < high)).all(axis=1).sum()
    assert several(int(inside), f"map.chosen_{kind}", study="") in words(made)
    press(made, "map-clear")
    assert text("map.chosen_none") in words(made) and ids(made) == []


def test_near_a_study_come_its_neighbours_on_the_map(made: AppTest, place: Workspace) -> None:
    made.text_input(key="map-near").set_value(f" {ECG} ").run()
    assert address(made)["near"] == [ECG] and several(10, "map.chosen_near", study=escaped(ECG)) in words(made)
    assert ids(made) and ECG not in ids(made)
    press(made, f"map-search-{ids(made)[0]}")  # leads to the search screen
    assert "query" in address(made)


def test_a_query_in_the_address_stands_on_the_map_and_it_is_said_how_it_came_there(
    made: AppTest, place: Workspace
) -> None:
    asked = retrieval.search(place, load_release(), read_text("sinus rhythm"), Options(k=1), actor=single_user())
    made.query_params["query"] = asked.query_id
    assert text("map.query_place", n=10) in words(said_no_error(made.run()))
    made.query_params["query"] = ECG
    assert text("map.query_own") in words(said_no_error(made.run()))
    made.query_params["query"] = "nobody"
    assert text("map.query_none") in words(said_no_error(made.run()))


def test_chosen_studies_filter_the_search_by_what_most_of_them_are(made: AppTest, place: Workspace) -> None:
    made.button_group(key="map-kinds").set_value(["ecg"]).run()
    press(made, "map-filter")
    known = {label for row in place.all_rows() if row.modality == "ecg" for label in row.labels}
    assert address(made)["into"] == ["ecg"] and set(address(made)["labels"]) <= known and address(made)["labels"]


@pytest.mark.parametrize(
    "drawn", [None, {"kind": "star", "x": [0, 1], "y": [0, 1]}, {"kind": "lasso", "x": [0, float("nan")], "y": [0, 1]}]
)
def test_an_outline_that_cannot_be_is_left_aside(drawn: object) -> None:
    assert not state.store_outline(drawn)


@pytest.mark.parametrize("given", ["nobody", "z" * 5000, "**<b>x</b>** [l](javascript:alert(1))"])
def test_a_study_that_is_not_on_the_map_is_one_sentence(made: AppTest, given: str) -> None:
    made.text_input(key="map-near").set_value(given).run()
    assert not made.exception and len(made.error) == 1 and len(made.error[0].value) < 400
    assert ids(made) == []


def test_an_address_that_means_nothing_shows_the_whole_map(made: AppTest) -> None:
    made.switch_page("pages/about/page.py")
    made.run()
    made.switch_page("pages/map/page.py")
    for name, value in {"by": "colour", "kinds": "mri", "finding": "Nonsense"}.items():
        made.query_params[name] = value
    said_no_error(made.run())
    assert text("map.chosen_none") in words(made)


def test_those_who_withdraw_leave_the_map_at_once(made: AppTest, place: Workspace) -> None:
    patient = place.row(ECG, actor=single_user()).patient_id
    theirs = [row for row in place.all_rows() if row.patient_id == patient]
    place.set_consent(patient, False, actor=single_user())
    try:
        said_no_error(made.run())
        assert several(len(theirs), "map.gone") in words(made)
        made.text_input(key="map-near").set_value(ECG).run()
        assert len(made.error) == 1
    finally:
        place.set_consent(patient, True, actor=single_user())
