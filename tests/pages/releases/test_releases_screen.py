"""The releases screen without a browser: what is pressed happens and is kept, what cannot be is one sentence."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.rounds import BAD, rate, written
from helpers.screens import fine, held_by_the_app, keys, new_screen, opened, try_press, words
from helpers.shipped import SHIPPED
from streamlit.testing.v1 import AppTest

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.intake.paths import read_paths
from engine.learning import beginning, promotion, round_job
from engine.learning.round_release import round_releases
from engine.model.release import Release, load_release
from engine.retrieval.answer import Options
from engine.retrieval.search import search, search_stored
from engine.settings import DEMO
from engine.strings import several, text
from engine.workspace.workspace import Workspace

WAIT_S = 200.0


@pytest.fixture(scope="module")
def built(few_patients: Callable[[int, int], Path]) -> Path:
    """A workspace of some patients of the shipped cohort."""
    return few_patients(30, 4)


@pytest.fixture
def place(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A copy of one's own as the app holds it, its notice accepted."""
    with held_by_the_app(Path(shutil.copytree(built, tmp_path / "ws")), monkeypatch) as opened:
        yield opened


@pytest.fixture
def base() -> Release:
    return load_release()


@pytest.fixture
def app(place: Workspace) -> AppTest:
    return new_screen().run()


def settled(place: Workspace) -> None:
    moving = promotion.latest_job(place)
    assert moving is not None and moving.wait(WAIT_S) and moving.error == ""


def table(app: AppTest) -> str:
    return "\n".join(block.proto.body for block in app.get("html"))


def why_not(app: AppTest, place: Workspace) -> str:
    """Return why what was pressed could not begin: at once, or once it had gathered on a busy machine."""
    if app.error:
        return str(app.error[0].value)
    gathered(place)
    opened(app, "releases", who="Ada")
    return str(app.warning[0].value)


def begun(app: AppTest, place: Workspace) -> None:
    """Make a round, and look at it once it has a number."""
    try_press(app, "make-round")
    last = time.monotonic() + WAIT_S
    while round_job.latest_job(place) is None and time.monotonic() < last:
        time.sleep(0.05)
    opened(app, "releases", who="Ada")


def gathered(place: Workspace) -> None:
    last = time.monotonic() + WAIT_S
    while beginning.under_way(place) and time.monotonic() < last:
        time.sleep(0.05)


def test_without_a_round_it_shows_what_serves_and_asks_for_a_name(app: AppTest, place: Workspace):
    opened(app, "releases")
    assert text("releases.serves") in words(app) and text("releases.name_first") in words(app)
    assert app.button(key="make-round").disabled
    assert not keys(app) & {"promote", "cancel-round", "go-on", f"back-{SHIPPED}"}
    app.text_input(key="releases-who").set_value("  Ada   L ").run()
    assert app.query_params["who"] in ("Ada L", ["Ada L"]) and not app.button(key="make-round").disabled
    try_press(app, "make-round")
    assert "nothing to learn from yet" in why_not(app, place) and round_job.latest_job(place) is None


def test_a_round_is_made_followed_and_looked_at(app: AppTest, place: Workspace):
    rate(place, 60)
    opened(app, "releases", who="Ada")
    assert several(60, "releases.new", name=SHIPPED) in words(app)
    begun(app, place)
    assert "cancel-round" in keys(app) and "make-round" not in keys(app)
    last = time.monotonic() + WAIT_S
    while any(not one.over for one in round_job.jobs(place)) and time.monotonic() < last:
        time.sleep(0.5)
    opened(app, "releases", who="Ada")
    (made,) = round_releases(place.path)
    assert f"Release {made.name} against {SHIPPED}" in [one.value for one in app.header]
    assert text("releases.measure_overall") in table(app) and "no limit, fewer than 30" in table(app)
    assert text("releases.earned") in [one.value for one in app.subheader]
    assert "too few to say: " in words(app) and words(app).count(" of 10") >= 3  # before, without, with
    assert "Made by Ada" in words(app) and "SYNTHETIC" in words(app)


def found_of(before: float, after: float) -> dict[str, object]:
    """What a release records of finding the own study in one direction."""
    sides = {
        way: {"codes": {"r_at_10": [value, value - 0.05, value + 0.05]}, "beyond": [value + 0.25, value, value + 0.3]}
        for way, value in (("before", before), ("after", after))
    }
    gain = after - before
    change = [gain, gain - 0.1, gain + 0.1]
    return {"n": 106, "chance": 0.094, "matched": 87, "gain": change, "beyond_gain": change, **sides}


def test_a_binding_shows_own_pairs_before_and_after_and_its_curve(app: AppTest, place: Workspace, base: Release):
    point = {"share": "all", "found": {"ecg-ppg": {"pairs": 1234, "r_at_10": [0.625, 0.5, 0.7]}}}
    bound = {"pairs": 1234, "patients": 500, "curve": [point], "own_pair": {"ecg>ppg": found_of(0.331, 0.526)}}
    written(place.path, base, adaptation=bound, ratings=0, raters=[], who="Ada")
    opened(app, "releases", who="Ada", release=f"{SHIPPED}.1")
    shown = table(app)
    assert "0.331 (0.281 to 0.381)" in shown and "0.526 (0.476 to 0.576)" in shown and "+0.195" in shown
    assert "0.581 (0.331 to 0.631)" in shown and "0.776 (0.526 to 0.826)" in shown and "87" in shown
    assert f"**{text('releases.own_beyond')}**" in [one.value for one in app.markdown]
    assert "1,234" in shown and "0.625 (0.500 to 0.700)" in shown
    assert text("releases.own") in [one.value for one in app.subheader]
    assert text("releases.column_without") not in shown and text("releases.earned") not in words(app)
    assert several(1234, "releases.bound", who="Ada", base=SHIPPED, day="").split("  ")[0][:12] in words(app)


def test_binding_with_too_few_pairs_is_one_sentence(app: AppTest, place: Workspace):
    opened(app, "releases")
    assert app.button(key="make-adaptation").disabled
    opened(app, "releases", who="Ada")
    try_press(app, "make-adaptation")
    assert "pairs to learn from and 200 are needed" in why_not(app, place)
    assert round_job.latest_job(place) is None and "make-adaptation" in keys(app)


def test_a_cancelled_round_is_said_and_another_can_begin(app: AppTest, place: Workspace):
    rate(place, 40)
    opened(app, "releases", who="Ada")
    begun(app, place)
    try_press(app, "cancel-round")
    opened(app, "releases", who="Ada")
    assert text("releases.cancelled", number=1) in [one.value for one in app.info]
    assert "make-round" in keys(app) and round_releases(place.path) == []


def test_why_a_round_or_binding_could_not_begin_is_said_until_somebody_has_seen_it(app: AppTest, place: Workspace):
    began = threading.Event()

    def cancelled() -> None:
        began.wait(WAIT_S)
        raise UsageError(round_job.CANCELLED_EARLY)

    beginning.start(place, cancelled)
    opened(app, "releases", who="Ada")
    assert "make-round" not in keys(app) and not app.warning  # it gathers
    began.set()
    gathered(place)
    opened(app, "releases", who="Ada")
    assert round_job.CANCELLED_EARLY in [one.value for one in app.warning]
    try_press(app, "begin-seen")
    assert not app.warning and "begin-seen" not in keys(app)
    opened(app, "releases", who="Bob")
    assert not app.warning


def test_promotion_and_the_way_back_by_two_presses(app: AppTest, place: Workspace, base: Release):
    made = written(place.path, base)
    before = place.database.read("SELECT study_id, w0, w1, w2, w3 FROM codes ORDER BY 1")
    opened(app, "releases", who="Ada", release=f"{SHIPPED}.1")
    assert text("releases.verdict_passes") in [one.value for one in app.success]
    assert text("releases.unknown") in words(app)  # a round made before this was measured
    assert text("releases.not_measured") in table(app)
    try_press(app, "promote")
    settled(place)
    assert place.releases.serving() == (f"{SHIPPED}.1", made.digest)
    opened(app, "releases", who="Ada")
    assert "Promoted by Ada" in words(app) and "promote" not in keys(app)
    try_press(app, f"back-{SHIPPED}")
    settled(place)
    assert place.database.read("SELECT study_id, w0, w1, w2, w3 FROM codes ORDER BY 1") == before
    opened(app, "releases", who="Ada")
    assert "Brought back by Ada" in words(app) and "way back" in table(app)


def test_a_fallen_guard_keeps_the_button_shut_until_a_reason_is_given(app: AppTest, place: Workspace, base: Release):
    written(place.path, base, rows=BAD)
    opened(app, "releases", who="Ada")
    assert "P@10 of ECG to chest film falls by 20.0 %" in app.warning[0].value
    assert "falls further than 3 %" in table(app) and app.button(key="promote").disabled
    app.text_input(key=f"reason-{SHIPPED}.1").set_value("too short").run()
    assert app.button(key="promote").disabled
    app.text_input(key=f"reason-{SHIPPED}.1").set_value("films are few here, Dr. Quill says").run()
    assert not app.button(key="promote").disabled
    try_press(app, "promote")
    settled(place)
    assert promotion.history(place)[-1].reason == "films are few here, [name] says"
    opened(app, "releases", who="Ada")
    assert r"Reason\: films are few here, \[name\] says." in words(app)


def test_a_page_that_shows_another_serving_release_is_refused(app: AppTest, place: Workspace, base: Release):
    one, _ = written(place.path, base), written(place.path, base, seed=2)
    opened(app, "releases", who="Ada", release=f"{SHIPPED}.2")
    promotion.promote(place, one, Actor("Bo"), base.digest).wait(240)
    try_press(app, "promote")  # drawn before Bo promoted
    assert f"{SHIPPED}.1 serves by now" in app.error[0].value
    assert place.releases.serving() == (f"{SHIPPED}.1", one.digest)
    assert "promote" not in keys(app)
    said = text("releases.other_base", name=f"{SHIPPED}.2", base=SHIPPED, serving=f"{SHIPPED}.1")
    assert said in [block.value for block in app.info]


def test_a_takeover_that_was_cut_off_can_go_on(app: AppTest, place: Workspace, base: Release):
    made = written(place.path, base)
    with place.database.write() as cursor:
        from engine.store import promotions

        asked = promotions.PromotionRequest(
            "promotion", "Bo", (SHIPPED, base.digest), (f"{SHIPPED}.1", made.digest), True
        )
        promotions.begin(cursor, asked)  # and the process that began it is gone
    opened(app, "releases", who="Ada")
    assert "did not come to its end" in app.warning[0].value
    try_press(app, "go-on")
    settled(place)
    assert place.releases.serving() == (f"{SHIPPED}.1", made.digest)


def test_the_last_queries_before_and_after_stand_side_by_side(app: AppTest, place: Workspace, base: Release):
    study = read_paths([DEMO / "ecg" / "syn-0045-e1-ecg.hea"])
    search(place, base, replace(study, recognised="WFDB, *twelve* leads"), Options(k=3), actor=single_user())
    written(place.path, base)
    opened(app, "releases", who="Ada")
    app.toggle(key="changes-show").set_value(True).run()
    fine(app)
    said = words(app)
    assert (
        text("releases.changes_before", name=SHIPPED) in said
        and text("releases.changes_after", name=rf"{SHIPPED}.1") in said
    )
    (chosen,) = app.selectbox(key="changes-query").options
    assert chosen.startswith("WFDB, *twelve* leads") and "neighbours stay" in chosen
    assert said.count(text("card.synthetic")) >= 20
    audits = [one.kind for one in place.audit_rows(50)]
    assert audits.count("changes") == 1
    fine(app.run())
    assert [one.kind for one in place.audit_rows(50)].count("changes") == 1  # a rerun looks nothing up


def test_every_neighbour_names_its_release(app: AppTest, place: Workspace, base: Release):
    made = written(place.path, base)
    promotion.promote(place, made, Actor("Ada"), base.digest).wait(240)
    answer = search_stored(place, base, "syn-0003-e1-ecg", Options(k=2), actor=single_user())
    assert {one.release for one in answer.neighbours} == {f"{SHIPPED}.1"}
    app.switch_page("pages/search/page.py")
    app.query_params.clear()
    app.query_params["query"] = "syn-0003-e1-ecg"
    fine(app.run())
    assert f"Release {SHIPPED}.1" in words(app)
    app.switch_page("pages/compare/page.py")
    app.query_params["query"], app.query_params["case"] = "syn-0003-e1-ecg", answer.neighbours[0].study_id
    fine(app.run())
    assert text("card.release", name=rf"{SHIPPED}.1") in words(app)
