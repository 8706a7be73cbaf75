"""The page of the monitor: alarms in words, what waits for a window, an acknowledgement, and what users are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from helpers.screens import fine, new_screen, opened, try_press, words
from helpers.shipped import SHIPPED
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from engine.files import utc_now
from engine.model.release import load_release
from engine.monitor.rule import SIGNALS
from engine.monitor.watched import look, misleading
from engine.store import alarms
from engine.store.alarms import Alarm, SignalWindow
from engine.store.unsteady import UNSTEADY
from engine.strings import several, text
from engine.upkeep.monitoring import _Workspace
from engine.workspace.workspace import Workspace
from pages.shared import resources
from pages.watch.figure import figure

SOURCE = "WFDB · Maker 7"


def window(at: int, value: float) -> SignalWindow:
    began = utc_now() - timedelta(hours=9 - at)
    about = ("ecg", SOURCE, "embedding", "PTB-XL", began, began + timedelta(minutes=50))
    return SignalWindow(load_release().digest, *about, n=10, value=value, low=-0.03, high=0.05, effect=value, p=0.0005)


@pytest.fixture
def place(filled: Workspace) -> Workspace:
    """A workspace with four windows of one signal, of which three lie outside, and the alarm that follows."""
    now = utc_now()
    about = ("ecg", SOURCE, "embedding", "PTB-XL", SHIPPED)
    with filled.database.write() as cursor:
        alarms.add_windows(cursor, [window(at, value) for at, value in enumerate((0.01, 0.14, 0.16, 0.15))])
        alarms.add_alarm(cursor, Alarm(0, now, alarms.STOP, *about, 30, 0.15, -0.03, 0.05, 28000.0))
    return filled


def test_an_alarm_is_said_and_acknowledged_with_a_reason(place: Workspace) -> None:
    app = fine(opened(new_screen().run(), "watch", who="Ada"))
    said = words(app)
    assert text("watch.level_stop") in said and SOURCE in said and text("watch.alarm_embedding") in said
    (alarm,) = alarms.standing(place.database)
    key = f"watch-{alarm.number}"
    assert app.button(key=f"{key}-acknowledge").disabled, "without a reason nothing is acknowledged"
    app.radio(key=f"{key}-decision").set_value("expected")
    app.text_input(key=f"{key}-reason").set_value("the new carts of ward 4").run()
    app = try_press(app, f"{key}-acknowledge")
    assert text("watch.no_alarm") in [one.value for one in app.success]
    (made,) = alarms.acknowledgements(place.database)
    assert (made.who, made.decision, made.reason) == ("Ada", "expected", "the new carts of ward 4")
    assert place.audit_rows()[0].kind == "alarm acknowledged"


def test_the_picture_has_a_band_a_line_and_words_in_the_place_of_a_line(place: Workspace) -> None:
    seen = look(place, resources.release(), actor=resources.actor())
    (one,) = [one for one in seen.signals if one.signal == "embedding"]
    drawn = figure([one, *_without_windows(one)], "light")
    low, high, values = drawn.data
    assert (set(low.y), set(high.y)) == ({-0.03}, {0.05})
    assert list(values.marker.symbol) == ["circle", "diamond", "diamond", "diamond"]
    assert text("watch.too_few", n=7, size=20) in [note.text for note in drawn.layout.annotations]


def _without_windows(one):
    from dataclasses import replace

    return [replace(one, signal="bits", windows=(), evidence=None, queries=0, waiting=7, size=SIGNALS["bits"].size)]


def test_answers_of_the_source_say_it_while_the_alarm_stands(place: Workspace) -> None:
    assert misleading(place, "ecg", SOURCE) is not None
    assert misleading(place, "ppg", SOURCE) is None
    (alarm,) = alarms.standing(place.database)
    alarms.acknowledge(place.database, alarm.number, "mended", "the cable was replaced", actor=resources.actor())
    assert misleading(place, "ecg", SOURCE) is None


def test_alarms_that_stand_are_figures_for_prometheus(place: Workspace) -> None:
    registry = CollectorRegistry()
    registry.register(_Workspace(list, lambda: place))
    figures = generate_latest(registry).decode()
    assert 'casebind_alarms{level="stop promoting",modality="ecg",signal="embedding"} 1.0' in figures
    assert SOURCE not in figures


def test_studies_that_small_changes_move_far_are_listed_with_the_way_to_them(filled: Workspace) -> None:
    assert text("unsteady.lead") not in words(fine(opened(new_screen().run(), "watch")))
    study_id = filled.all_rows()[0].study_id
    with filled.database.write() as cursor:
        cursor.execute("UPDATE studies SET extra = ? WHERE study_id = ?", [f'{{"{UNSTEADY}": 0.2345}}', study_id])
    app = fine(opened(new_screen().run(), "watch"))
    said = words(app)
    assert f"[{study_id}](/?query={study_id})" in said and "0.234" in said and text("unsteady.lead") in said
    assert several(1, "unsteady.listed") in [one.label for one in app.expander]
