"""The search screen: filters, nothing close, and the address, which restores the view and recomputes nothing."""

from __future__ import annotations

import re
from collections import Counter
from functools import wraps
from typing import Any

import pytest
from helpers.screens import address, asked, cards, keys, new_screen, press, press_card, said_no_error, words
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.model.release import Release
from engine.strings import several, text
from engine.workspace.workspace import Workspace

FILM, ECG = "syn-0001-e1-cxr", "syn-0001-e1-ecg"


def test_each_filter_is_a_button_that_removes_it_and_the_rest_stays(app: AppTest, place: Workspace) -> None:
    held = {
        "age": ["30", "90"],
        "sex": "F",
        "made": "synthetic",
        "cohorts": "casebind-demo",
        "from": "2010",
        "until": "2030",
        "quality": "0.3",
        "consent": "training",
        "view": "PA",
    }
    asked(app, ECG, **held)
    rows = [row for row in place.all_rows() if row.sex == "F" and 30 <= (row.age or 0) <= 90]
    rows = [row for row in rows if row.modality != "cxr" or row.view == "PA"]
    remain = several(len(rows), "filters.remain", total=len(place.all_rows()))
    assert remain in words(app) and "women" in words(app)
    removers = {one.key: one.label for one in app.button if (one.key or "").startswith("remove-")}
    assert set(removers) == {f"remove-{one}" for one in held if one != "until"}  # one for both dates
    assert set(cards(app)) <= {row.study_id for row in rows}

    press(app, "remove-view")
    assert "view" not in address(app) and address(app)["sex"] == ["F"]
    rows = [row for row in place.all_rows() if row.sex == "F" and 30 <= (row.age or 0) <= 90]
    assert several(len(rows), "filters.remain", total=len(place.all_rows())) in words(app)

    press(app, "clear")
    assert set(address(app)) == {"query"}
    app.session_state["filters"] = True
    assert text("controls.sentence_none") in words(app.run())


def test_a_panel_draws_its_settings_while_it_is_open_and_shows_what_the_address_says(app: AppTest) -> None:
    asked(app, ECG, sex="F", quality="0.5", labels="Cardiomegaly", k="5")
    assert not [one for one in app.slider if one.key == "set-quality"]
    assert not [one for one in app.select_slider if one.key == "set-k"]
    app.session_state["filters"] = app.session_state["advanced"] = True
    for _ in range(2):
        said_no_error(app.run())
        assert app.slider(key="set-quality").value == pytest.approx(0.5)
        assert app.slider(key="set-quality").proto.set_value
        assert app.multiselect(key="set-labels").value == ["Cardiomegaly"]
        assert app.select_slider(key="set-k").value == "5" and app.select_slider(key="set-k").proto.set_value
    app.slider(key="set-quality").set_value(0.7).run()
    assert address(app)["quality"] == ["0.7"]
    app.session_state["filters"] = app.session_state["advanced"] = False
    for _ in range(2):  # what was set stays when the panel closes
        said_no_error(app.run())
        assert address(app)["quality"] == ["0.7"] and address(app)["labels"] == ["Cardiomegaly"]


def test_a_date_that_cannot_be_is_one_sentence_and_filters_nothing(app: AppTest) -> None:
    asked(app, ECG)
    app.session_state["filters"] = True
    app.run()
    app.text_input(key="set-from").set_value("spring").run()
    assert len(app.error) == 1 and "spring" in app.error[0].value
    assert "from" not in address(app) and cards(app)


def test_nothing_close_is_said_instead_of_a_confident_grid(app: AppTest, place: Workspace) -> None:
    asked(app, FILM, labels="complete right bundle branch block", into=["ecg"])
    found = [
        row.study_id
        for row in place.all_rows()
        if row.modality == "ecg" and "complete right bundle branch block" in row.labels
    ]
    assert [one.value for one in app.info] == [
        f"**{text('search.nothing_close')}.** {text('search.nothing_close_text', modality=text('modality_plain.ecg'))}"
    ]
    assert sorted(cards(app)) == sorted(found)  # behind a click
    named = text("modality_plain.ecg" if len(found) == 1 else "modality_plains.ecg")
    assert several(len(found), "search.nothing_close_show", modality=named) in [one.label for one in app.expander]


def test_filters_that_leave_none_of_a_kind_say_so(app: AppTest) -> None:
    asked(app, FILM, labels="Pneumothorax", into=["ppg"])
    assert text("search.nothing_permitted", modality=text("modality_plain.ppg")) in words(app)


def test_an_address_restores_the_view(app: AppTest, place: Workspace) -> None:
    seen = asked(app, FILM, at="broad", bits="128", k="20", into=["cxr", "ecg"], sex="M", more="ecg", counter="1")
    ids, otherwise = cards(seen), cards(seen, "otherwise-")
    assert len(ids) > 4 and otherwise
    fresh = new_screen()
    fresh.run()
    if "accept" in keys(fresh):
        fresh.button(key="accept").click().run()
    for name, values in address(seen).items():
        fresh.query_params[name] = values
    said_no_error(fresh.run())
    assert (cards(fresh), cards(fresh, "otherwise-")) == (ids, otherwise)
    assert address(fresh) == address(seen)


def test_what_an_address_cannot_mean_is_one_sentence_and_a_plain_page(app: AppTest) -> None:
    wrong = {"sex": "Q", "age": "abc", "labels": "Nonsense", "k": "7777", "at": "near", "quality": "nan"}
    asked(app, ECG, **wrong, more="banana", counter="maybe", choose="zzz")
    assert [one.value for one in app.warning] == [
        text("filters.ignored_many", n=6, names="at, k, age, sex, labels, quality")
    ]
    assert cards(app) and not [key for key in keys(app) if key.startswith("remove-")]  # nothing is filtered
    assert not set(wrong) & set(address(app))
    app.run()
    assert list(app.warning) == []


def test_an_unknown_query_or_case_in_the_address_is_one_sentence(app: AppTest) -> None:
    app.query_params["query"] = "<b>\x00nobody"
    app.run()
    assert len(app.error) == 1 and not app.exception and not cards(app)
    press(app, "new")
    assert "query" not in address(app)
    asked(app, ECG)
    app.query_params["case"] = "nobody"
    app.run()
    assert len(app.error) == 1 and "nobody" in app.error[0].value and not app.exception


def searches(place: Workspace) -> int:
    """Return how many searches are on record."""
    return sum(row.kind in ("search", "again") for row in place.audit_rows())


def test_what_does_not_change_the_question_searches_nothing_again(
    app: AppTest, place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(app, FILM, more="cxr")
    press(app, "counter")
    press(app, "part")
    calls: Counter[str] = Counter()
    for owner, name in ((Workspace, "study"), (type(place.backend), "nearest"), (Release, "embed"), (Release, "codes")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name), name, calls))
    before = searches(place)
    case = cards(app)[0]
    press_card(app, "choose", case, True)
    press_card(app, "rate", case, "partly")
    press(app, "counter")
    press(app, "counter")
    app.number_input(key="box-left").set_value(12).run()
    press(app, "part")
    for _ in range(2):
        said_no_error(app.run())
    place.unrate(FILM, case, actor=single_user())
    assert searches(place) == before
    assert not calls


def counted(function: Any, name: str, calls: Counter[str]) -> Any:
    """Return the function, each of its calls counted."""

    @wraps(function)
    def call(*values: Any, **more: Any) -> Any:
        calls[name] += 1
        return function(*values, **more)

    return call


def test_how_many_lie_within_each_radius_is_said_before_it_is_chosen(app: AppTest) -> None:
    asked(app, FILM, k="50", into=["cxr"])
    said = next(one.value for one in app.markdown if text("controls.within_line", counts="") in one.value)
    counts = [int(one) for one in re.findall(r"(\d+)", said)]
    assert len(counts) == 3 and counts == sorted(counts)
    for point, n in zip(("precise", "balanced", "broad"), counts, strict=True):
        asked(app, FILM, k="50", into=["cxr"], at=point, more="cxr")
        assert len(cards(app)) == n
