"""What is done on the page of consent, and what was said about it."""

from __future__ import annotations

import streamlit as st

from engine.consent import overview, unlearning, withdrawal
from engine.consent.overview import Overview, PatientConsent
from engine.strings import text
from engine.workspace.erasure import erase
from pages.shared import free_text, resources, session
from pages.shared.markdown import escaped

PATIENT, ERROR = "consent-patient-name", "consent-error"
REASON = "erase-reason"
NOTED = "consent-noted"  # patients of whom it is on record that they were read here
ASKED, SAID = "consent-asked", "consent-said-words"


def everything() -> Overview:
    """Return what there is to look at."""
    noted: set[str] = st.session_state.setdefault(NOTED, set())
    found = overview.overview(resources.workspace(), actor=resources.actor(), noted=noted)
    noted.update(found.patients)
    return found


def patient(words: str) -> PatientConsent:
    """Return what is known of a patient's consent."""
    noted: set[str] = st.session_state.setdefault(NOTED, set())
    found = overview.patient(resources.workspace(), words, actor=resources.actor(), noted=noted)
    noted.add(found.patient_id)
    return found


def decide(patient_id: str, scope: str, granted: bool) -> None:
    """Record a decision; the next answer honours it."""
    place, actor = resources.workspace(), resources.actor()
    session.attempt(ERROR, lambda: withdrawal.decide(place, patient_id, (scope,), granted=granted, actor=actor))


def unlearn(patient_id: str) -> None:
    """Learn anew without a patient, with a word about how long it takes, then draw the page again."""

    def work() -> None:
        done = unlearning.unlearn(resources.workspace(), patient_id, actor=resources.actor())
        words = text("consent.unlearnt", release=escaped(done.release), names=escaped(", ".join(done.retired)))
        st.session_state[SAID] = words, True

    with st.spinner(text("consent.unlearning"), show_time=True):
        session.attempt(ERROR, work)
    st.rerun()


def ask(name: str, patients: tuple[str, ...]) -> None:
    """Ask before patients are erased. name : what has to be typed, a pseudonym or a cohort"""
    st.session_state[ASKED] = name, patients


def draw_said() -> None:
    """Draw once what came of the last press."""
    words, fine = st.session_state.pop(SAID, ("", True))
    if words:
        (st.success if fine else st.warning)(words)


def draw_asked() -> None:
    """Draw the question that waits for an answer."""
    if ASKED not in st.session_state:
        return
    name, patients = st.session_state[ASKED]

    @st.dialog(text("consent.erase_title"), on_dismiss=_close)
    def question() -> None:
        st.markdown(text("consent.erase_goes"))
        typed = st.text_input(text("consent.erase_type", name=escaped(name)), key="erase-typed")
        reason = free_text.draw_box(st.text_input, text("consent.reason"), REASON, max_chars=200)
        ready = typed.strip() == name
        if st.button(text("consent.erase_go"), key="erase-go", type="primary", disabled=not ready) and ready:
            _erase(patients, free_text.settled(REASON, reason))

    question()


def _close() -> None:
    st.session_state.pop(ASKED, None)


def _erase(patients: tuple[str, ...], reason: str) -> None:
    """Erase, with a word about it, then draw the page again."""

    def work() -> None:
        made = erase(resources.workspace().storage, patients, actor=resources.actor(), reason=reason)
        words = text("consent.done", searched=made.searched_bytes) if made.whole else text("consent.not_whole")
        st.session_state[SAID] = words, made.whole

    with st.spinner(text("consent.erasing"), show_time=True):
        session.attempt(ERROR, work)
    _close()
    st.rerun()
