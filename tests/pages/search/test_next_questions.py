"""The search screen: those labelled otherwise, more like these, and parts of the query."""

from __future__ import annotations

import numpy as np
from helpers.screens import address, asked, card, cards, keys, press, press_card, said, words
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.strings import several, text
from engine.study import Study, Trace
from engine.workspace.workspace import Workspace
from pages.shared import resources

FILM, ECG = "syn-0005-e1-cxr", "syn-0001-e1-ecg"


def test_those_labelled_otherwise_say_what_they_are_not_labelled_as(app: AppTest, place: Workspace) -> None:
    asked(app, FILM)
    assert cards(app, "otherwise-") == []
    press(app, "counter")
    assert address(app)["counter"] == ["1"]
    assert any("labelled as Cardiomegaly" in one.value for one in app.info)
    other = cards(app, "otherwise-")
    assert other
    assert said(app, "otherwise-").count("Not labelled as “cardiac enlargement or hypertrophy”") == len(other)
    assert all("Cardiomegaly" not in place.row(one, actor=single_user()).labels for one in other)

    press_card(app, "open", other[0], row="otherwise-")  # it opens also where it is not among the nearest
    assert address(app)["case"] == [other[0]]
    assert "rate-relevant" in keys(app)


def test_a_mark_in_one_row_shows_in_the_other(app: AppTest, place: Workspace) -> None:
    asked(app, FILM, counter="1", k="50", more=["cxr", "ecg", "ppg", "text"])
    case = sorted(set(cards(app, "otherwise-")) & set(cards(app)))[0]
    press_card(app, "rate", case, "relevant", row="otherwise-")
    assert [one.mark for one in place.ratings(FILM, actor=single_user())] == ["relevant"]
    assert card(app, case)["mark"] == "relevant"
    place.unrate(FILM, case, actor=single_user())


def test_more_like_the_chosen_cases_leaves_them_out(app: AppTest, place: Workspace) -> None:
    asked(app, ECG, into=["ecg", "text"])
    first, second = cards(app)[0], cards(app)[2]
    for one in (first, second):
        press_card(app, "choose", one, True)
    assert address(app)["choose"] == [first, second]
    press(app, "like")
    query = address(app)["query"][0]
    assert query.startswith("q-") and set(address(app)) == {"query", "into"}  # the settings stay, the view is new
    assert several(2, "like.title") in words(app) and text("like.careful") in words(app)
    assert "random pairs" in said(app) and "share a finding" not in said(app)
    assert not {first, second, ECG} & set(cards(app))
    assert not any(card(app, one)["explained"] for one in cards(app))
    assert place.query(query, actor=single_user()) is not None

    press_card(app, "open", cards(app)[0])  # it opens beside the mean, with nothing to explain
    assert "rate-relevant" in keys(app) and "why-button" not in keys(app)


def test_ticks_can_be_taken_back_and_an_unknown_one_counts_for_nothing(app: AppTest) -> None:
    asked(app, ECG, choose="no-such-case")
    assert "like" not in keys(app)
    first = cards(app)[0]
    press_card(app, "choose", first, True)
    assert app.button(key="like").label == several(1, "like.go") and card(app, first)["chosen"]
    press_card(app, "choose", first, False)
    assert "like" not in keys(app) and card(app, first)["chosen"] is False
    press_card(app, "choose", first, True)
    press(app, "like-none")
    assert "like" not in keys(app) and "choose" not in address(app)


def test_a_box_in_numbers_is_searched_and_all_of_it_is_one_press_away(app: AppTest, place: Workspace) -> None:
    asked(app, FILM)
    press(app, "part")
    assert text("part.measured") in words(app)
    for edge, value in (("left", 10), ("top", 40), ("right", 40), ("bottom", 80)):
        app.number_input(key=f"box-{edge}").set_value(value).run()
    press(app, "part-go")
    stored = place.query(address(app)["query"][0], actor=single_user())
    assert stored is not None and stored.study.facts["region"] == [0.1, 0.4, 0.4, 0.8]
    assert text("part.region") in words(app) and "the box from 10% to 40% across" in words(app)
    press(app, "whole")
    assert address(app)["query"] == [FILM]

    press(app, "part")
    app.number_input(key="box-right").set_value(27).run()
    app.button(key="part-go").click().run()
    assert len(app.error) == 1 and "draw a larger one" in app.error[0].value
    assert address(app)["query"] == [FILM] and cards(app)


def test_a_stretch_follows_slider_and_numbers_and_is_searched(app: AppTest, place: Workspace) -> None:
    asked(app, ECG)
    press(app, "part")
    app.number_input(key="stretch-end").set_value(7.0).run()
    app.number_input(key="stretch-start").set_value(2.0).run()
    assert app.slider(key="stretch").value == (2.0, 7.0)
    app.slider(key="stretch").set_range(1.0, 6.0).run()
    assert app.number_input(key="stretch-start").value == 1.0 and app.number_input(key="stretch-end").value == 6.0
    press(app, "part-go")
    stored = place.query(address(app)["query"][0], actor=single_user())
    assert stored is not None and stored.study.window_s == (1.0, 6.0)
    assert text("part.stretch", whole=10.0) in words(app)


def test_the_event_of_a_long_recording_is_chosen_on_its_overview(app: AppTest, place: Workspace) -> None:
    short = place.study(ECG, actor=single_user())
    whole = Trace(np.tile(short.trace.samples, (1, 8)), short.trace.leads, short.trace.fs, short.trace.units)
    first = search(place, resources.release(), Study("ecg", whole, "80 s of it"), Options(), actor=single_user())
    asked(app, first.query_id)
    assert any("The whole recording, II" in str(one.proto) for one in app.get("image"))
    press(app, "part")
    assert text("part.long_lead", most=10.0) in words(app)
    app.slider(key="window-start").set_value(30.0).run()
    assert app.number_input(key="window-number").value == 30.0
    app.number_input(key="window-number").set_value(45.5).run()
    assert app.slider(key="window-start").value == 45.5
    press(app, "part-go")
    stored = place.query(address(app)["query"][0], actor=single_user())
    assert stored is not None and stored.study.window_s == (45.5, 55.5)


def test_words_have_no_parts(app: AppTest) -> None:
    asked(app, "syn-0001-e1-text")
    assert "part" not in keys(app)
