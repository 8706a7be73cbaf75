"""What the page of the record asks, and what it was answered; read once for each question, since a reading is a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from engine.access.emergencies import Emergency, n_unread
from engine.audit.export import FORMATS
from engine.audit.verify import Verification
from engine.store.audit_questions import AuditQuestion
from engine.store.records import AuditRow
from engine.workspace import audit_reading
from engine.workspace.audit_reading import AuditState, audit_state, check_audit, export_audit, question_of, read_audit
from pages.shared import resources
from pages.shared.session import attempt

STEP = 200  # rows that are shown at once
SHOWN, ANSWER, CHECKED = "record-shown", "record-answer", "record-checked-as"
EMERGENCIES, EMERGENCY_ERROR, MOST = "record-emergencies-of", "record-emergency-error", 20
LOOKS = "record-looks"  # how many rows the looks of this window were


def audit() -> AuditState:
    """Return how far the record is."""
    return audit_state(resources.workspace(), actor=resources.actor())


def question() -> AuditQuestion | None:
    """Return what the page asks, None while a patient is wanted and not named."""
    asked = st.session_state
    report, patient = asked.get("record-report", "all"), asked.get("record-patient", "")
    if report == "patient" and not patient.strip():
        return None
    until = asked.get("record-until")
    return question_of(
        report,
        since=_midnight(asked.get("record-since")),
        until=_midnight(until + timedelta(days=1)) if until else None,
        who=asked.get("record-person") or "",
        patient=patient,
    )


def rows() -> list[AuditRow]:
    """Return the newest rows that are asked for, newest first."""
    asked = question()
    if asked is None:
        return []
    place, actor = resources.workspace(), resources.actor()
    key = asked, shown(), actor.name, _done_by_now()
    before: tuple[Any, list[AuditRow]] = st.session_state.get(ANSWER, ((), []))
    if before[0] != key:  # another question, or somebody did something since
        found = read_audit(place, asked, actor=actor, newest=shown())
        _count_look()
        before = st.session_state[ANSWER] = key, found
    return before[1]


def emergencies() -> tuple[list[Emergency], int]:
    """Return the newest emergencies that are to be read, and how many there are of them."""
    place, actor = resources.workspace(), resources.actor()
    n = n_unread(place.database.audit)
    if not n:
        return [], 0
    key = actor.name, _done_by_now()
    before: tuple[Any, list[Emergency]] = st.session_state.get(EMERGENCIES, ((), []))
    if before[0] != key:
        found = audit_reading.unread_emergencies(place, actor=actor, most=MOST)
        _count_look()
        before = st.session_state[EMERGENCIES] = key, found
    return before[1], n


def mark_read(row: int) -> None:
    """Write that whoever is here has read about an emergency."""
    place, actor = resources.workspace(), resources.actor()
    attempt(EMERGENCY_ERROR, lambda: audit_reading.mark_emergency_read(place, row, actor=actor))


def shown() -> int:
    """Return how many rows are shown at most."""
    return int(st.session_state.get(SHOWN, STEP))


def show_more() -> None:
    """Show so many more."""
    st.session_state[SHOWN] = shown() + STEP


def check() -> None:
    """Verify the record; whose it is no longer is told so by the page."""

    def verify() -> None:
        st.session_state[CHECKED] = check_audit(resources.workspace(), actor=resources.actor())

    attempt(EMERGENCY_ERROR, verify)


def checked() -> Verification | None:
    """Return what the last check in this window found."""
    found: Verification | None = st.session_state.get(CHECKED)
    return found


def file_of(form: str) -> tuple[str, str]:
    """Return suffix and media type of a format."""
    return FORMATS[form][1:]


def maker(form: str) -> Callable[[], str]:
    """Return what makes the file of the present question when it is asked for."""
    place, who, asked = (
        resources.workspace(),
        resources.actor_later(resources.actor()),
        question() or question_of("all"),
    )
    return lambda: export_audit(place, asked, form, actor=who())


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, UTC)


def _done_by_now() -> int:
    """Return how many rows there are, without those that this window's own looks are."""
    return resources.workspace().database.audit.size() - int(st.session_state.get(LOOKS, 0))


def _count_look() -> None:
    st.session_state[LOOKS] = int(st.session_state.get(LOOKS, 0)) + 1
