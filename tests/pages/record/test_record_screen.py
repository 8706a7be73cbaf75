"""The record's screen: an auditor's questions, a check, and files; every look is a row, and a rerun is none."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.screens import fine, new_screen, opened, press, table_rows, try_press, words
from streamlit.testing.v1 import AppTest

from engine.actor import Actor, single_user
from engine.audit.key import signing_key
from engine.audit.seal import seal
from engine.settings import ROOT
from engine.store.acts import KINDS
from engine.strings import LANGUAGES, table, text
from engine.workspace.workspace import Workspace
from pages.shared import language

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


def test_an_emergency_stands_there_until_somebody_else_has_read_about_it(app: AppTest, place: Workspace) -> None:
    assert "record-emergency" not in "".join(button.key or "" for button in app.button)
    ann = replace(ANN, session="e1", reason="No senior in the house.")
    first = place.audit("break-glass", actor=ann, about={"reason": ann.reason})
    place.audit("search", actor=ann, returned=("s0001", "s0002"))
    own = place.audit("break-glass", actor=single_user(), about={"reason": "Tried by myself."})
    app.run()
    assert "studies shown so far: 2. Reason: No senior in the house." in words(app)
    assert text("record.mail_off") in words(app) and "2 emergency accesses" in words(app)
    n = place.database.audit.size()
    app.run()
    assert place.database.audit.size() == n, "a rerun is no look"
    try_press(app, f"record-emergency-{own}")
    assert [error.value for error in app.error] == [
        "This emergency access was your own: somebody else has to read about it."
    ]
    press(app, f"record-emergency-{first}")
    assert "No senior" not in words(app) and "Tried by myself" in words(app)
    app.selectbox(key="record-report").select("emergencies").run()
    assert [row[3] for row in table_rows(app)] == [
        text("record.kind_emergency_read"),
        *[text("record.kind_break_glass")] * 2,
    ]


def chosen_languages(place: Workspace) -> list[tuple[str, dict[str, object]]]:
    return [(row.who, dict(row.about)) for row in place.audit_rows(50) if row.kind == "language chosen"]


def test_a_choice_of_language_is_a_row_and_what_the_browser_asks_for_is_none(place: Workspace) -> None:
    app = opened(new_screen().run(), "about")
    assert chosen_languages(place) == []
    app.selectbox(key=language.FIELD).select("fr").run()
    assert table("fr")["app"]["about"] in app.title[0].value
    assert chosen_languages(place) == [("local", {"language": "fr"})]
    fine(app.run())
    assert len(chosen_languages(place)) == 1


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
