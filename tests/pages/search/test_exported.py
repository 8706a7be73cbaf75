"""The search screen and a wearable's export: nothing is stored before a choice, one window searched, all taken in."""

from __future__ import annotations

from datetime import datetime

from helpers.recording_files import zipped
from helpers.screens import address, fine, keys, table_rows, words
from helpers.wearable_exports import apple_ecg, apple_export, e4_session, ecg, pulse
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.strings import several, text
from engine.workspace.workspace import Workspace

DAY = datetime(2019, 6, 11, 9, 3, 45)
APPLE = apple_export({f"ecg_{n}.csv": apple_ecg(ecg(30, 512, n), DAY.replace(day=11 + n)) for n in range(3)})


def dropped(app: AppTest, data: bytes) -> AppTest:
    return fine(app.file_uploader[0].set_value(("export.zip", data, "application/zip")).run())


def test_what_is_in_it_is_shown_and_one_window_is_the_query(app: AppTest, place: Workspace) -> None:
    before = len(place.rows(actor=single_user()))
    dropped(app, APPLE)
    assert [one.value for one in app.title] == [text("wearable.title")]
    assert table_rows(app)[0] == [
        *("Apple Watch", text("modality_one.ecg"), "3", "2019-06-11 – 2019-06-13", "0.0", "3", "3", "3")
    ]
    assert len(place.rows(actor=single_user())) == before
    assert [line.split(" · ")[0] for line in app.selectbox(key="export-window").options] == [
        f"2019-06-{day} 09:03:45" for day in (11, 12, 13)
    ]
    app.selectbox(key="export-window").select_index(1).run()
    app.button(key="export-search").click().run()
    fine(app)
    query = place.query(address(app)["query"][0], actor=single_user())
    assert query is not None
    assert query.study.recognised == "Apple Watch, lead I, 512 Hz, 30 s"
    assert query.study.facts["acquired_at"] == "2019"
    fine(app.button(key="new").click().run())


def test_the_best_windows_go_into_the_collection_as_one_persons(app: AppTest, place: Workspace) -> None:
    wave = pulse(900, 64)
    wave[64 * 60 : 64 * 240] = 0
    dropped(app, zipped(e4_session(wave, DAY)))
    assert several(18, "wearable.windows") in words(app)
    (go,) = (one for one in app.button if one.label == text("wearable.take_in"))
    fine(go.click().run())
    assert "say whose it is" in app.error[0].value
    app.text_input(key="export-patient").set_value("4711")
    (go,) = (one for one in app.button if one.label == text("wearable.take_in"))
    fine(go.click().run())
    assert not app.error
    patient = app.success[0].value.rsplit(" ", 1)[-1].rstrip(".")
    (row,) = place.of_patient(patient, actor=single_user())
    assert (row.cohort, row.modality, row.extra["dates"]) == ("Wearables", "ppg", "shift")
    assert row.acquired_at is not None
    assert row.acquired_at[11:13] == "09"
    fine(app.button(key="export-leave").click().run())
    assert "export-leave" not in keys(app)


def test_an_export_without_waves_is_one_sentence(app: AppTest) -> None:
    dropped(app, zipped({"DI_CONNECT/sleep.json": b"{}", "DI_CONNECT/steps.json": b"{}"}))
    assert [one.value for one in app.error if "Garmin" in one.value]
    assert app.title[0].value == text("search.title")
