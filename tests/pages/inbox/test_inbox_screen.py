"""The inbox's screen: how far objects are and why some stay out; it is shown where an archive is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.archive_objects import beside, chest_film, put
from helpers.screens import fine, held_by_the_app, new_screen, opened, press, words
from streamlit.testing.v1 import AppTest

from engine.hospital.film_text import SAYS_SO
from engine.hospital.inbox import FOLDER, Inbox
from engine.hospital.take_up import BESIDE, take_up
from engine.model.release import Release, load_release
from engine.sentences import spoken
from engine.strings import several, speaking, text
from engine.workspace.workspace import Workspace, open_workspace
from pages.shared import permitted


@pytest.fixture(scope="module")
def newest() -> Release:
    return load_release()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest: Release) -> Iterator[Workspace]:
    """A workspace to which a report and a film with text were sent."""
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(tmp_path))
    with open_workspace(tmp_path, create=True) as made:
        assert not permitted.has_archive()
        with Inbox(made.path) as inbox:
            put(inbox, [beside(0), chest_film(BurnedInAnnotation="YES")])
        take_up(made, newest)
    with held_by_the_app(tmp_path, monkeypatch) as here:
        yield here


@pytest.fixture
def app(place: Workspace) -> AppTest:
    return opened(new_screen().run(), "inbox")


def table(app: AppTest) -> str:
    return "\n".join(block.proto.body for block in app.get("html"))


def test_it_says_how_far_each_object_is_and_why_it_stays_out(app: AppTest, place: Workspace):
    assert permitted.has_archive() and (place.path / FOLDER).is_dir()
    assert all(one in table(app) for one in (BESIDE, SAYS_SO, "Basic Text SR Storage", "CART"))
    assert f"{text('inbox.state_set_aside')}: 2" in words(app)
    with speaking("de"):
        assert spoken(BESIDE) != BESIDE and spoken(SAYS_SO) != SAYS_SO


def test_a_film_that_somebody_looked_at_is_taken_up_again(app: AppTest, place: Workspace):
    assert several(1, "inbox.text") in words(app)
    assert {text(f"inbox.{one}") for one in ("black_out", "keep", "refuse")} <= {one.label for one in app.button}
    press(app, "inbox-keep")
    fine(app)
    assert [one.value for one in app.success] == [several(1, "inbox.wait_again")]
    assert [one.about["objects"] for one in place.audit_rows() if one.kind == "inbox taken up again"] == [1]


def test_of_two_films_one_is_chosen_and_the_other_waits_still(place: Workspace, newest: Release):
    with Inbox(place.path) as inbox:
        put(inbox, [chest_film(2, BurnedInAnnotation="YES")])
    take_up(place, newest)
    app = opened(new_screen().run(), "inbox")
    assert text("inbox.place", n=1, total=2) in words(app) and app.button(key="inbox-film_previous").disabled
    press(app, "inbox-film_next")
    assert text("inbox.place", n=2, total=2) in words(app)
    press(app, "inbox-refuse")
    assert [one.value for one in app.success] == [several(1, "inbox.left_out")]
    assert several(1, "inbox.text") in words(app) and text("inbox.place", n=1, total=1) in words(app)
    looked_at = [row.patients for row in place.audit_rows() if row.kind == "waiting film opened"]
    assert len(looked_at) == 3 and looked_at[0] == looked_at[2] != looked_at[1]  # the first was come back to
