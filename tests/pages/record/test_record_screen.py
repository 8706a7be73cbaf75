"""The record's screen: an auditor's questions, a check, and files; every look is a row, and a rerun is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.screens import fine, new_screen, opened, press, table_rows, words
from streamlit.testing.v1 import AppTest

from engine.actor import Actor, single_user
from engine.audit.key import signing_key
from engine.audit.seal import seal
from engine.settings import ROOT
from engine.store.acts import KINDS
from engine.strings import LANGUAGES, table, text
from engine.workspace.workspace import Workspace

ANN = Actor("ann")


@pytest.fixture
def place(filled: Workspace) -> Workspace:
    """A workspace in which a few things were done."""
    filled.audit("search", actor=ANN, query_id="q-1", returned=("s0001", "s0002"), release="r1")
    filled.audit("search", actor=Actor("bob"), query_id="q-2", returned=("s0003",), release="r1")
    filled.audit("refused", actor=ANN, refused="Too flat.")
    return filled


@pytest.fixture
def app(place: Workspace) -> AppTest:
    return opened(new_screen().run(), "record")


def test_it_answers_the_questions_of_an_auditor(app: AppTest, place: Workspace) -> None:
    fine(app)
    assert [row[2] for row in table_rows(app)] == ["ann", "bob", "ann", "local"]
    assert table_rows(app)[0][4].endswith("Too flat.")
    app.selectbox(key="record-report").select("patient").run()
    assert [one.value for one in app.info] == [text("record.name_patient")] and table_rows(app) == []
    app.text_input(key="record-patient").set_value("p2").run()
    assert [(row[2], row[3]) for row in table_rows(app)] == [("ann", text("record.kind_search"))]
    app.selectbox(key="record-report").select("person").run()
    app.text_input(key="record-patient").set_value("").run()
    app.selectbox(key="record-person").select("bob").run()
    assert [row[2] for row in table_rows(app)] == ["bob"]
    app.selectbox(key="record-person").select("").run()
    app.selectbox(key="record-report").select("refusals").run()
    assert [row[2] for row in table_rows(app)] == ["ann"]
    app.selectbox(key="record-report").select("emergencies").run()
    assert table_rows(app) == []
    place.audit("break-glass", actor=ANN, about={"reason": "No senior in the house."})
    app.run()
    assert [(row[2], row[6]) for row in table_rows(app)] == [("ann", "reason No senior in the house.")]


def test_every_look_is_a_row_and_a_rerun_is_none(app: AppTest, place: Workspace) -> None:
    assert [row.kind for row in place.audit_rows(2)] == ["record read", "refused"]
    app.run()
    assert place.audit_rows(1)[0].audit_id == 5
    app.selectbox(key="record-report").select("exports").run()
    assert place.audit_rows(1)[0].about == {"events": ["export", "import"]}


def test_the_check_says_whether_it_is_whole_and_what_is_sealed(app: AppTest, place: Workspace, tmp_path: Path) -> None:
    assert "casebind audit seal" in words(app)
    press(app, "record-check")
    assert len(app.success) == 1
    seal(place.database.audit, place.path, signing_key(tmp_path / "own.pem"), single_user())
    app.run()
    assert "casebind audit seal" not in words(app)
    assert re.search(r"Last checkpoint .* over \d rows; rows since then: [01]\.", words(app))


def test_every_kind_of_act_has_its_words_in_every_language() -> None:
    for code in LANGUAGES:
        said = table(code)["record"]
        for kind in KINDS:
            assert said[f"kind_{kind.replace(' ', '_').replace(chr(39), '').replace('-', '_')}"], (code, kind)


def test_every_kind_that_the_code_names_is_known() -> None:
    named = {
        kind
        for folder in ("engine", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for kind in re.findall(r"""(?:\bAct\(|\.audit\()\s*"([a-z][^"]+)\"""", path.read_text(encoding="utf-8"))
    }
    assert named - set(KINDS) == set()
