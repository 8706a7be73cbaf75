"""The search screen without a browser: filters, those labelled otherwise, more like these, parts, and the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from shipped import build_workspace
from streamlit.testing.v1 import AppTest

from engine.index.workspace import Workspace
from engine.release import Release, load_release
from engine.settings import ROOT
from pages.shared import resources
from pages.shared.strings import several, text

FILM, ECG = "syn-0001-e1-cxr", "syn-0001-e1-ecg"
PATIENTS, FILMS = 30, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of some patients of the shipped cohort."""
    place, files = tmp_path_factory.mktemp("asking") / "ws", tmp_path_factory.mktemp("files")
    return build_workspace(place, files, load_release(), range(1, PATIENTS + 1), FILMS)


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Workspace]:
    """The workspace as the app holds it: one process owns it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEBIND_WORKSPACE", str(folder))
        opened = resources.workspace()
        yield opened
        opened.close()


@pytest.fixture
def app(place: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app past its notice."""
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(folder))
    screen = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    screen.run()
    return screen.button(key="accept").click().run() if _keys(screen) >= {"accept"} else screen


def _keys(screen: AppTest) -> set[str]:
    return {button.key for button in screen.button}


def asked(screen: AppTest, query: str, **address: str | list[str]) -> AppTest:
    """Open an address and return what stands there."""
    screen.query_params["query"] = query
    for name, value in address.items():
        screen.query_params[name] = value
    return said_no_error(screen.run())


def said_no_error(screen: AppTest) -> AppTest:
    assert not screen.exception and [one.value for one in screen.error] == []
    return screen


def words(screen: AppTest) -> str:
    return "\n".join(block.value for block in screen.markdown)


def press(screen: AppTest, key: str) -> AppTest:
    return said_no_error(screen.button(key=key).click().run())


def cards(screen: AppTest, prefix: str = "open-syn") -> list[str]:
    """Return the ids of the cases whose cards are drawn, in their order."""
    start = prefix.removesuffix("syn")
    return [button.key.removeprefix(start) for button in screen.button if (button.key or "").startswith(prefix)]


def address(screen: AppTest) -> dict[str, list[str]]:
    held = screen.query_params.items()
    return {name: [values] if isinstance(values, str) else list(values) for name, values in held}


def test_each_filter_is_a_button_that_removes_it_and_the_rest_stays(app: AppTest, place: Workspace) -> None:
    held = {
        "age": ["30", "90"], "sex": "F", "made": "synthetic", "cohorts": "casebind-demo", "from": "2010",
        "until": "2030", "quality": "0.3", "consent": "training", "view": "PA",
    }  # fmt: skip
    asked(app, ECG, **held)
    rows = [row for row in place.rows() if row.sex == "F" and 30 <= (row.age or 0) <= 90]
    rows = [row for row in rows if row.modality != "cxr" or row.view == "PA"]
    remain = several(len(rows), "filters.remain", total=len(place.rows()))
    assert remain in words(app) and "women" in words(app)
    removers = {one.key: one.label for one in app.button if (one.key or "").startswith("remove-")}
    assert set(removers) == {f"remove-{one}" for one in held if one != "until"}  # one for both dates
    assert set(cards(app)) <= {row.study_id for row in rows}

    press(app, "remove-view")
    assert "view" not in address(app) and address(app)["sex"] == ["F"]
    rows = [row for row in place.rows() if row.sex == "F" and 30 <= (row.age or 0) <= 90]
    assert several(len(rows), "filters.remain", total=len(place.rows())) in words(app)

    press(app, "clear")
    assert set(address(app)) == {"query"}
    assert text("controls.sentence_none") in words(app)


def test_widgets_of_a_closed_popover_hold_what_the_address_says_on_every_run(app: AppTest) -> None:
    # A popover's widgets start, when it is opened, from what the last run gave them; they must never start at nothing.
    asked(app, ECG, sex="F", quality="0.5", labels="Cardiomegaly", k="5")
    for _ in range(2):
        said_no_error(app.run())
        assert app.slider(key="set-quality").value == pytest.approx(0.5)
        assert app.slider(key="set-quality").proto.set_value
        assert app.multiselect(key="set-labels").value == ["Cardiomegaly"]
        assert app.select_slider(key="set-k").value == "5" and app.select_slider(key="set-k").proto.set_value
    assert address(app)["labels"] == ["Cardiomegaly"]


def test_a_date_that_cannot_be_is_one_sentence_and_filters_nothing(app: AppTest) -> None:
    asked(app, ECG)
    app.text_input(key="set-from").set_value("spring").run()
    assert len(app.error) == 1 and "spring" in app.error[0].value
    assert "from" not in address(app) and cards(app)


def test_nothing_close_is_said_instead_of_a_confident_grid(app: AppTest, place: Workspace) -> None:
    asked(app, FILM, labels="atrial fibrillation", into=["ecg"])
    found = [row.study_id for row in place.rows() if row.modality == "ecg" and "atrial fibrillation" in row.labels]
    assert [one.value for one in app.info] == [
        f"**{text('search.nothing_close')}.** {text('search.nothing_close_text', modality=text('modality_plain.ecg'))}"
    ]
    assert sorted(cards(app)) == sorted(found)  # behind a click
    named = text("modality_plain.ecg" if len(found) == 1 else "modality_plains.ecg")
    assert several(len(found), "search.nothing_close_show", modality=named) in [one.label for one in app.expander]


def test_filters_that_leave_none_of_a_kind_say_so(app: AppTest) -> None:
    asked(app, FILM, labels="Pneumothorax", into=["ppg"])
    assert text("search.nothing_permitted", modality=text("modality_plain.ppg")) in words(app)


def test_those_labelled_otherwise_say_what_they_are_not_labelled_as(app: AppTest, place: Workspace) -> None:
    asked(app, FILM)
    assert cards(app, "open-otherwise-syn") == []
    press(app, "counter")
    assert address(app)["counter"] == ["1"]
    assert any("labelled as Cardiomegaly" in one.value for one in app.info)
    other = cards(app, "open-otherwise-syn")
    assert other
    assert words(app).count("Not labelled as “cardiac enlargement or hypertrophy”") == len(other)
    assert all("Cardiomegaly" not in place.row(one.removeprefix("otherwise-")).labels for one in other)

    press(app, f"open-{other[0]}")  # one that may not be among the nearest opens beside the query all the same
    assert address(app)["case"] == [other[0].removeprefix("otherwise-")]
    assert text("detail.how_rate") in words(app)


def test_a_mark_in_one_row_shows_in_the_other(app: AppTest, place: Workspace) -> None:
    asked(app, FILM, counter="1", k="50", more=["cxr", "ecg", "ppg", "text"])
    shown = {one.removeprefix("otherwise-") for one in cards(app, "open-otherwise-syn")} & set(cards(app))
    case = sorted(shown)[0]
    app.button_group(key=f"mark-otherwise-{case}").set_value("relevant").run()
    assert [one.mark for one in place.ratings(FILM, resources.WHO)] == ["relevant"]
    assert app.button_group(key=f"mark-{case}").value == "relevant"
    place.unrate(FILM, case, resources.WHO)


def test_more_like_the_chosen_cases_leaves_them_out(app: AppTest, place: Workspace) -> None:
    asked(app, ECG, into=["ecg", "text"])
    first, second = cards(app)[0], cards(app)[2]
    for one in (first, second):
        press(app, f"choose-{one}")
    assert address(app)["choose"] == [first, second]
    press(app, "like")
    query = address(app)["query"][0]
    assert query.startswith("q-") and set(address(app)) == {"query", "into"}  # the settings stay, the view is new
    assert several(2, "like.title") in words(app) and text("like.careful") in words(app)
    assert "share a finding" not in "".join(one for one in words(app).split("\n") if "bits differ" in one)
    assert not {first, second, ECG} & set(cards(app))
    assert not any((one.key or "").startswith("why-") for one in app.button)
    assert place.query(query) is not None

    press(app, f"open-{cards(app)[0]}")  # it opens beside the mean, with nothing to explain
    assert text("detail.how_rate") in words(app) and "why-button" not in _keys(app)


def test_ticks_can_be_taken_back_and_an_unknown_one_counts_for_nothing(app: AppTest) -> None:
    asked(app, ECG, choose="no-such-case")
    assert "like" not in _keys(app)
    first = cards(app)[0]
    press(app, f"choose-{first}")
    assert app.button(key="like").label == several(1, "like.go")
    press(app, f"choose-{first}")
    assert "like" not in _keys(app)
    press(app, f"choose-{first}")
    press(app, "like-none")
    assert "like" not in _keys(app) and "choose" not in address(app)


def test_a_box_in_numbers_is_searched_and_all_of_it_is_one_press_away(app: AppTest, place: Workspace) -> None:
    asked(app, FILM)
    press(app, "part")
    assert text("part.measured") in words(app)
    for edge, value in (("left", 10), ("top", 40), ("right", 40), ("bottom", 80)):
        app.number_input(key=f"box-{edge}").set_value(value).run()
    press(app, "part-go")
    stored = place.query(address(app)["query"][0])
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
    stored = place.query(address(app)["query"][0])
    assert stored is not None and stored.study.window_s == (1.0, 6.0)
    assert text("part.stretch", whole=10.0) in words(app)


def test_words_have_no_parts(app: AppTest) -> None:
    asked(app, "syn-0001-e1-text")
    assert "part" not in _keys(app)


def test_an_address_restores_the_view(app: AppTest, place: Workspace) -> None:
    seen = asked(app, FILM, at="broad", bits="128", k="20", into=["cxr", "ecg"], sex="M", more="ecg", counter="1")
    ids, otherwise = cards(seen), cards(seen, "open-otherwise-syn")
    assert len(ids) > 4 and otherwise
    fresh = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    fresh.run()
    if "accept" in _keys(fresh):
        fresh.button(key="accept").click().run()
    for name, values in address(seen).items():
        fresh.query_params[name] = values
    said_no_error(fresh.run())
    assert (cards(fresh), cards(fresh, "open-otherwise-syn")) == (ids, otherwise)
    assert address(fresh) == address(seen)


def test_what_an_address_cannot_mean_is_one_sentence_and_a_plain_page(app: AppTest) -> None:
    wrong = {"sex": "Q", "age": "abc", "labels": "Nonsense", "k": "7777", "at": "near", "quality": "nan"}
    asked(app, ECG, **wrong, more="banana", counter="maybe", choose="zzz")
    assert [one.value for one in app.warning] == [
        text("filters.ignored_many", n=6, names="at, k, age, sex, labels, quality")
    ]
    assert cards(app) and text("controls.sentence_none") in words(app)
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


def test_what_does_not_change_the_question_searches_nothing_again(
    app: AppTest, place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(app, FILM, more="cxr")
    press(app, "counter")
    press(app, "part")
    calls: Counter[str] = Counter()
    for owner, name in ((Workspace, "study"), (Workspace, "permitted"), (Release, "embed"), (Release, "codes")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name), name, calls))
    before = len(place.audit_rows())
    case = cards(app)[0]
    press(app, f"choose-{case}")
    app.button_group(key=f"mark-{case}").set_value("partly").run()
    press(app, "counter")
    press(app, "counter")
    app.number_input(key="box-left").set_value(12).run()
    press(app, "part")
    for _ in range(2):
        said_no_error(app.run())
    place.unrate(FILM, case, resources.WHO)
    assert len(place.audit_rows()) == before  # each search leaves a row
    assert not calls


def counted(function: Any, name: str, calls: Counter[str]) -> Any:
    """Return the function, each of its calls counted."""

    @wraps(function)
    def call(*values: Any, **more: Any) -> Any:
        calls[name] += 1
        return function(*values, **more)

    return call
