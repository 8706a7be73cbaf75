"""The dialog of exports without a browser: which cases it begins with, and the report that it makes."""

from __future__ import annotations

import io

from helpers.screens import asked, cards, said_no_error
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from engine.strings import text

FILM = "syn-0001-e1-cxr"


def dialog(screen: AppTest, **address: str | list[str]) -> AppTest:
    """Open the results of a film and the dialog over them."""
    asked(screen, FILM, **address)
    return said_no_error(screen.button(key="export").click().run())


def cases(screen: AppTest) -> list[str]:
    return list(next(one for one in screen.multiselect if one.label == text("export.cases")).value)


def made_anew(screen: AppTest) -> None:
    """Press what makes the report."""
    make = next(one for one in screen.button if one.label == text("export.make"))
    said_no_error(make.click().run())


def test_the_report_is_made_of_the_nearest_films_with_reader_and_comment(app: AppTest) -> None:
    screen = dialog(app)
    assert cases(screen) == cards(screen)[:3] and all(one.endswith("-cxr") for one in cases(screen))
    screen.text_input(key="export-reader").input("Dr Ada")
    screen.text_area(key="export-comment").input("As in March.")
    made_anew(screen)
    made = screen.session_state["export-made"][1]
    assert made.study_ids == tuple(cases(screen))
    (page,) = PdfReader(io.BytesIO(made.data)).pages
    words = page.extract_text()
    assert "Read by Dr Ada" in words and "As in March." in words
    screen.text_area(key="export-comment").input("As Dr. Quill saw on 12/03/2021.")
    made_anew(screen)
    (page,) = PdfReader(io.BytesIO(screen.session_state["export-made"][1].data)).pages
    assert "As [name] saw on [date]." in page.extract_text()
    assert any("orange-background[Dr" in one.value for one in screen.markdown)
    screen.selectbox(key="export-appendix").set_value("grid").run()
    assert screen.session_state["export-made"][0][1].appendix == ""  # the file that is there is not of this request


def test_the_dialog_begins_with_the_cases_that_are_ticked(app: AppTest) -> None:
    ticked = cards(asked(app, FILM))[4:6]
    assert cases(dialog(app, choose=ticked)) == ticked
