"""The search screen for typed words: what was understood, what is labelled so, and what to do with unknown words."""

from __future__ import annotations

from helpers.screens import address, cards, keys, press, said, said_no_error, words
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.strings import text
from engine.study import Note
from engine.workspace.workspace import Workspace


def typed(app: AppTest, finding: str) -> AppTest:
    app.text_input(key="typed").set_value(finding)
    (go,) = [one for one in app.button if one.label == text("search.find")]
    return said_no_error(go.click().run())


def test_a_known_finding_is_shown_with_its_count_and_without_a_share(app: AppTest, place: Workspace) -> None:
    typed(app, "AFib, no pleural effusion")
    shown = words(app)
    assert ":green-badge[atrial fibrillation]" in shown and ":gray-badge[no pleural effusion]" in shown
    assert "labelled atrial fibrillation" in shown and "Labelled atrial fibrillation" in said(app)
    assert "share a finding" not in shown + said(app)
    assert text("search.accepted") not in shown and "text, 4 words" not in shown
    assert cards(app)


def test_unknown_words_offer_findings_and_the_search_by_meaning(app: AppTest, place: Workspace) -> None:
    typed(app, "kardiomegallly")
    assert cards(app) == [] and any(text("typed.unknown") in one.value for one in app.info)
    assert {"suggest-cardiomegaly", "by-meaning"} <= keys(app)
    press(app, "by-meaning")
    assert address(app)["meaning"] == ["1"] and cards(app)
    assert text("typed.by_meaning_line") in words(app)
    press(app, "by-labels")
    assert cards(app) == [] and "meaning" not in address(app)
    press(app, "suggest-cardiomegaly")
    assert ":green-badge[cardiomegaly]" in words(app) and cards(app)


def test_a_name_among_typed_words_is_shown_before_anything_is_searched(app: AppTest, place: Workspace) -> None:
    typed(app, "pleural effusion, Mr Quill")
    assert cards(app) == [] and "Mr Quill" in words(app)
    app.button(key="find-settled").click().run()
    assert not app.exception and cards(app)
    newest = place.database.read("SELECT query_id FROM queries ORDER BY created_at DESC LIMIT 1")[0][0]
    stored = place.query(newest, actor=single_user())
    assert stored is not None and stored.study.content == Note("pleural effusion, [name]")
