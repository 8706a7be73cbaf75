"""One person over time on screen: who, the picture with its words, the numbers, and a recording as the query."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from helpers.screens import address, fine, held_by_the_app, new_screen, opened, table_rows, words
from helpers.wearable_exports import apple_ecg, apple_export, ecg
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.model.release import load_release
from engine.strings import text
from engine.wearable.archive import Export
from engine.wearable.rule import KeepRule
from engine.wearable.taking import Whose, take_in
from engine.wearable.trend import Trend, TrendPoint, binned
from engine.wearable.windows import survey
from engine.workspace.workspace import Workspace
from pages.trend.figure import figure

DAY = datetime(2019, 6, 11, 9, 3, 45)
RATES = (60, 72, 84, 96)


@pytest.fixture
def place(
    few_patients: Callable[[int, int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    folder = shutil.copytree(few_patients(30, 12), tmp_path / "ws")
    with held_by_the_app(folder, monkeypatch) as here:
        yield here


@pytest.fixture
def patient(place: Workspace) -> str:
    """A person with an ECG a day, faster every day."""
    ecgs = {f"ecg_{n}.csv": apple_ecg(ecg(30, 512, n, rate), DAY + timedelta(days=n)) for n, rate in enumerate(RATES)}
    with Export(apple_export(ecgs)) as export:
        found = survey(export, KeepRule(), place.key)
        taken = take_in(place, load_release(), found, Whose("4711"), KeepRule(), actor=single_user())
    assert taken.ingested == len(RATES)
    return taken.patient_id


def on_screen(**asked: str) -> AppTest:
    return fine(opened(new_screen().run(), "trend", **asked))


def test_the_picture_its_numbers_and_a_recording_as_the_query(place: Workspace, patient: str) -> None:
    app = on_screen(patient=patient)
    assert app.title[0].value == text("trend.title")
    assert app.selectbox(key="trend-patient").value == patient
    assert app.selectbox(key="trend-of").value == "ecg"
    rows = table_rows(app)
    assert [round(float(row[2])) for row in rows] == pytest.approx(RATES, abs=3)
    assert [row[1] for row in rows] == ["1"] * len(RATES)
    assert text("trend.shifted") in words(app)
    act = next(row for row in place.audit_rows() if row.kind == "trend")
    assert (act.about["recordings"], act.about["into"]) == (len(RATES), "ecg")
    assert act.returned
    assert patient not in {place.row(one, actor=single_user()).patient_id for one in act.returned}
    fastest = app.selectbox(key="trend-window").options[-1]
    app.selectbox(key="trend-window").select(fastest).run()
    app.button(key="trend-search").click().run()
    fine(app)
    (query,) = address(app)["query"]
    assert place.row(query, actor=single_user()).patient_id == patient


def test_another_finding_and_another_kind_are_counted_anew(place: Workspace, patient: str) -> None:
    app = on_screen(patient=patient)
    before = [row for row in place.audit_rows() if row.kind == "trend"]
    app.selectbox(key="trend-finding").select_index(1).run()
    fine(app)
    assert [row for row in place.audit_rows() if row.kind == "trend"] == before  # the same answers, counted otherwise
    app.selectbox(key="trend-into").select_index(2).run()
    fine(app)
    assert next(row for row in place.audit_rows() if row.kind == "trend").about["into"] == "cxr"


def test_somebody_without_times_is_said_to_have_none(place: Workspace, patient: str) -> None:
    app = on_screen(patient="p-0000000000000000")
    assert text("trend.nobody") in words(app)


def test_where_no_near_case_has_labels_the_picture_says_so_over_the_same_days() -> None:
    points = tuple(
        TrendPoint(f"s-{n}", DAY + timedelta(days=n), rate, nearest=70 + n, close=True, labelled=0, carrying={})
        for n, rate in enumerate(RATES)
    )
    drawn = figure(Trend("p-1", points), binned(points, "", "day"), "light").to_dict()["layout"]
    assert text("trend.no_labels") in [one["text"] for one in drawn["annotations"]]
    assert {drawn[axis]["type"] for axis in ("xaxis", "xaxis2", "xaxis3")} == {"date"}
