"""The screen of consent: one patient's scopes, erasure after a typed pseudonym, who is due, certificates."""

from __future__ import annotations

import pytest
from helpers.rounds import written
from helpers.screens import fine, new_screen, opened, press, table_rows, words
from helpers.shipped import SHIPPED
from helpers.studies import COHORT
from streamlit.testing.v1 import AppTest

from engine.actor import Actor, single_user
from engine.learning.retired import retired
from engine.model.release import load_release
from engine.store.classes import Attributes, agree
from engine.strings import text
from engine.workspace.workspace import Workspace

ANN = Actor("ann")


@pytest.fixture
def place(filled: Workspace) -> Workspace:
    """A workspace in which one patient has withdrawn from teaching."""
    filled.set_consent("p4", False, actor=ANN, scope="teaching")
    return filled


@pytest.fixture
def app(place: Workspace) -> AppTest:
    return opened(new_screen().run(), "consent")


def patient(app: AppTest, name: str) -> AppTest:
    return fine(app.text_input(key="consent-patient-name").set_value(name).run())


def toggle(app: AppTest, scope: str) -> AppTest:
    (one,) = [each for each in app.toggle if each.label == text(f"consent.scope_{scope}")]
    return fine(one.set_value(not one.value).run())


def test_scopes_are_withdrawn_and_restored_by_patient(app: AppTest, place: Workspace) -> None:
    assert text("consent.plain") in words(app)
    assert [row[:2] for row in table_rows(app)] == [["p4", text("consent.word_teaching")]]
    patient(app, "p4")
    assert [one.value for one in app.toggle] == [True, True, False, True]
    toggle(app, "retrieval")
    assert not place.consent("p4", actor=single_user())
    toggle(app, "teaching")
    toggle(app, "retrieval")
    assert place.consent("p4", actor=single_user().acting_for("teaching")) and table_rows(app) == []
    patient(app, "p6")
    read = [row.patients for row in place.audit_rows() if row.kind == "consents read"]
    assert read == [("p6",), ("p4",)]  # once each, however often the page was drawn
    patient(app, "nobody")
    assert [one.value for one in app.info] == [text("consent.unknown")] and not app.toggle


def test_a_patient_is_erased_after_the_pseudonym_was_typed_and_a_certificate_stays(
    app: AppTest, place: Workspace
) -> None:
    patient(app, "p5")
    press(app, "erase")
    assert app.button(key="erase-go").disabled
    app.text_input(key="erase-typed").set_value("p55").run()
    assert app.button(key="erase-go").disabled
    app.text_input(key="erase-typed").set_value("p5").run()
    app.text_input(key="erase-reason").set_value("asked by letter of 12/03/2021").run()
    press(app, "erase-go")
    assert not place.of_patient("p5", actor=single_user())
    assert any("nothing was found" in one.value for one in app.success)
    (row,) = [row for row in table_rows(app) if row[2] == "1 patient"]
    assert row[-1] == "0"
    assert "erased from this workspace" in words(app)
    assert not [one for one in app.button if one.key == "unlearn"]
    written(place.path, load_release())
    fine(app.run())
    assert text("consent.learnt", names=f"{SHIPPED}.1") in words(app)
    press(app, "unlearn")
    assert f"{SHIPPED}.1" in retired(place.path) and "may not serve again" in " ".join(one.value for one in app.success)


def test_a_cohort_whose_agreement_has_ended_is_due_and_erased_as_one(app: AppTest, place: Workspace) -> None:
    assert text("consent.due_none") in words(app)
    agree(place.database, COHORT.name, Attributes(agreement_ends="2020-01-31"), "ann")
    fine(app.run())
    press(app, f"erase-{COHORT.name}")
    app.text_input(key="erase-typed").set_value(COHORT.name).run()
    press(app, "erase-go")
    assert place.all_rows() == []
    assert text("consent.due_none") in words(app)
