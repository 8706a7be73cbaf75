"""What may tell who somebody is: shown below the box, replaced in what is stored, unless it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

WORDS = "Seen with Dr. Quill on 12/03/2021: effusion."


def screen() -> None:
    import os
    from pathlib import Path

    import streamlit as st

    from pages.shared.fields import draw_text_field

    file = Path(os.environ["NOTE_FILE"])
    draw_text_field(
        st.text_area, "Note", "note", file.read_text("utf-8"), lambda words, _: file.write_text(words, "utf-8")
    )


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "note.txt"
    file.write_text("", "utf-8")
    monkeypatch.setenv("NOTE_FILE", str(file))
    return file


def pressed(app: AppTest, name: str) -> AppTest:
    (button,) = [one for one in app.button if one.key.endswith(name)]
    return button.click().run()


def test_passages_are_replaced_one_by_one_or_all_as_the_person_chooses(note: Path) -> None:
    app = AppTest.from_function(screen, default_timeout=60).run()
    app.text_area(key="note").set_value("clear lungs").run()
    assert not app.exception and note.read_text("utf-8") == "clear lungs" and len(app.button) == 0
    app.text_area(key="note").set_value(WORDS).run()
    assert not app.exception and note.read_text("utf-8") == "Seen with [name] on [date]: effusion."
    assert any("orange-background[Dr" in one.value for one in app.markdown)
    (choices,) = app.button_group
    assert choices.value == ["Dr. Quill", "12/03/2021"]
    choices.set_value(["12/03/2021"]).run()
    assert not app.exception and note.read_text("utf-8") == "Seen with Dr. Quill on [date]: effusion."
    pressed(app, "keep_all")
    assert not app.exception and note.read_text("utf-8") == WORDS
    pressed(app, "replace_all")
    assert note.read_text("utf-8") == "Seen with [name] on [date]: effusion."
