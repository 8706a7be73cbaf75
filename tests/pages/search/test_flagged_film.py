"""The search screen and a film with a name in its pixels: shown with its box, and stored after a choice alone."""

from __future__ import annotations

import pytest
from helpers.burned_in import NEEDS_OCR, as_png, named_film, shipped_film
from helpers.screens import address, fine, keys, press, said_no_error, words
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.intake.burned_in_choice import BLACKED_OUT, FACT, KEPT, LOOKED
from engine.strings import several, text
from engine.study import Study
from engine.workspace.workspace import Workspace
from pages.shared.markdown import escaped

pytestmark = NEEDS_OCR
CHOICES = {"text-black-out", "text-keep", "text-refuse"}


def dropped(app: AppTest, data: bytes) -> AppTest:
    """Drop a film on an empty search screen."""
    return fine(app.file_uploader[0].set_value(("film.png", data, "image/png")).run())


def stored(app: AppTest, place: Workspace) -> Study:
    """Return the query that the address names, as it is stored."""
    query = place.query(address(app)["query"][0], actor=single_user())
    assert query is not None
    return query.study


def n_queries(place: Workspace) -> int:
    return len(list(place.queries_folder.glob("*"))) if place.queries_folder.is_dir() else 0


@pytest.fixture
def film(tmp_path) -> bytes:
    return named_film(tmp_path).read_bytes()


def test_a_named_film_waits_for_a_choice_and_is_left_out_on_request(
    app: AppTest, place: Workspace, film: bytes
) -> None:
    before = n_queries(place)
    dropped(app, film)
    assert keys(app) >= CHOICES and [one.value for one in app.title] == [several(1, "burned_in.title")]
    assert address(app) == {} and n_queries(place) == before
    press(app, "text-refuse")
    assert not CHOICES & keys(app) and address(app) == {} and n_queries(place) == before
    newest = next(row for row in place.audit_rows() if row.kind == "text in a film")
    assert (newest.about["choice"], newest.about["boxes"]) == ("refuse", 1)


def test_blacked_out_it_is_searched_and_kept_without_the_name(app: AppTest, place: Workspace, film: bytes) -> None:
    press(dropped(app, film), "text-black-out")
    study = stored(app, place)
    assert study.film.pixels[35, 60] == 0 and study.facts[FACT]["choice"] == "black-out"
    assert study.identity_note == BLACKED_OUT and escaped(BLACKED_OUT) in words(app)
    press(app, "new")


def test_nothing_identifying_is_somebodys_word(app: AppTest, place: Workspace, film: bytes) -> None:
    press(dropped(app, film), "text-keep")
    study = stored(app, place)
    assert study.film.pixels[24:44, 30:200].max() > 200 and study.identity_note == KEPT
    press(app, "new")


def test_a_film_without_text_is_searched_at_once_and_says_what_can_be_missed(app: AppTest, place: Workspace) -> None:
    said_no_error(dropped(app, as_png(shipped_film())))
    assert stored(app, place).identity_note == LOOKED and escaped(LOOKED) in words(app)
    assert text("burned_in.missed") not in words(app)
    press(app, "new")
