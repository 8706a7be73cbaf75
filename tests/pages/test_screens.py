"""Screens without a browser: frame, notice and the sentences of states that need no click in a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.screens import new_screen
from streamlit.testing.v1 import AppTest

from engine.strings import notice, text


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app where no workspace has been built yet."""
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(tmp_path / "nowhere"))
    return new_screen()


def test_notice_stands_before_everything(app):
    app.run()
    assert [title.value for title in app.title] == [text("notice.title")]
    assert [button.label for button in app.button] == [text("notice.accept")]


def test_accepting_leads_to_one_sentence_where_there_is_no_workspace(app):
    app.run()
    app.button(key="accept").click().run()
    assert [error.value for error in app.error] == [text("app.no_workspace")]
    assert not app.exception


def test_thin_line_is_on_every_run(app):
    for _ in range(3):
        app.run()
        assert any(text("app.banner", notice=notice()) in block.value for block in app.markdown)


def test_strings_fill_their_places():
    assert text("card.distance", hamming=61, bits=256) == "61 of 256 bits differ"
    with pytest.raises(KeyError):
        text("card.no_such_words")
