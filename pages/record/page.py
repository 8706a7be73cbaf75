"""Record: who did what, by an auditor's standing questions; whether it is whole; files for others."""

from __future__ import annotations

import re

import streamlit as st

from engine.store.records import AuditRow
from engine.strings import number, one_of, several, text
from engine.workspace.audit_reading import REPORTS, AuditState
from pages.record import state
from pages.record.emergencies import draw_emergencies
from pages.shared import frame, html_table
from pages.shared.markdown import escaped

COLUMNS = ("n", "when", "who", "what", "outcome", "about", "details")
NOTICE = re.compile(r"^notice \S+ accepted$")  # of which version, as it is recorded
FEW = 4  # ids in a cell before they are counted


def draw() -> None:
    """Draw the emergencies that are to be read, the state of the record, the question, and what it finds."""
    st.title(text("record.title"), anchor=False)
    found = state.audit()
    st.markdown(text("record.lead"))
    draw_emergencies()
    _whole(found)
    _question(found)
    with frame.heard("record-count"):
        rows = state.rows()
        if state.question() is not None:
            st.markdown(several(len(rows), "record.found") if rows else text("record.nothing"))
    with st.container(key="record-rows"):
        if rows:
            html_table.draw_html_table(
                [text(f"record.column_{name}") for name in COLUMNS], [_cells(row) for row in rows]
            )
    if len(rows) >= state.shown():
        st.button(text("record.more"), key="record-more", icon=":material/expand_more:", on_click=state.show_more)
    _files()


def _whole(found: AuditState) -> None:
    """Draw how many rows there are, what is sealed, and the check."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="record-state"):
        lines = [several(found.rows, "record.rows")]
        if found.last is None:
            lines.append(text("record.unsealed"))
        else:
            when = found.last.time[:16].replace("T", " ")
            lines.append(text("record.sealed", rows=found.last.size, when=when, after=found.rows - found.last.size))
        st.markdown("  \n".join(lines), width="stretch")
        st.button(text("record.check"), key="record-check", icon=":material/verified:", on_click=state.check)
    with frame.heard("record-checked"):
        if checked := state.checked():
            draw_it = st.success if checked.is_whole else st.error
            draw_it(escaped(checked.sentence), icon=":material/verified:" if checked.is_whole else ":material/error:")


def _question(found: AuditState) -> None:
    """Draw what is asked: a report, a person, a patient, from when to when."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="record-question"):
        report = st.selectbox(
            text("record.report"), REPORTS, key="record-report", format_func=lambda name: text(f"record.report_{name}")
        )
        st.selectbox(
            text("record.person"),
            ["", *found.people],
            key="record-person",
            format_func=lambda name: name or text("record.everybody"),
        )
        st.text_input(
            text("record.patient"),
            key="record-patient",
            placeholder=text("record.patient_needed" if report == "patient" else "record.any_patient"),
        )
        st.date_input(text("record.since"), value=None, key="record-since", format="YYYY-MM-DD")
        st.date_input(text("record.until"), value=None, key="record-until", format="YYYY-MM-DD")
    if report == "patient" and not st.session_state.get("record-patient", "").strip():
        st.info(text("record.name_patient"), icon=":material/person_search:")


def _cells(row: AuditRow) -> tuple[str, ...]:
    when = f"{row.created_at:%Y-%m-%d %H:%M:%S}"
    return (number(row.audit_id), when, row.who, _kind(row.kind), _outcome(row), _subjects(row), _details(row))


def _kind(kind: str) -> str:
    """Return a kind of act in the reader's language; one of an earlier version as it stands."""
    kind = NOTICE.sub("notice accepted", kind)
    return one_of("record", f"kind_{kind.replace(' ', '_').replace(chr(39), '').replace('-', '_')}", kind)


def _outcome(row: AuditRow) -> str:
    word = one_of("record", f"outcome_{row.outcome}", row.outcome)
    return f"{word}: {row.refused}" if row.refused else word


def _subjects(row: AuditRow) -> str:
    """Return the patients and studies of a row, and its query."""
    parts = [
        several(len(row.patients), "record.patients", ids=_some(row.patients)) if row.patients else "",
        several(len(row.returned), "record.studies", ids=_some(row.returned)) if row.returned else "",
        text("record.query", query=row.query_id) if row.query_id else "",
    ]
    return "; ".join(part for part in parts if part)


def _some(ids: tuple[str, ...]) -> str:
    return ", ".join(ids[:FEW]) + (" …" if len(ids) > FEW else "")


def _details(row: AuditRow) -> str:
    """Return further facts: release and filters, roles and purpose, and what the act itself noted."""
    noted = [f"{name} {_word(value)}" for name, value in sorted(row.about.items()) if value not in ("", [], {})]
    roles = ", ".join(row.roles)
    return "; ".join(one for one in (row.release, row.filters, roles, *noted) if one)


def _word(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _files() -> None:
    """Draw the ways out; each file is a row of the record."""
    with st.container(horizontal=True, key="record-files"):
        for form in state.FORMATS:
            suffix, kind = state.file_of(form)
            st.download_button(
                text(f"record.file_{form}"),
                data=state.maker(form),
                file_name=f"casebind-record.{suffix}",
                mime=kind,
                key=f"record-{form}",
                icon=":material/download:",
                on_click="ignore",
            )
    st.markdown(f":small[{text('record.files_note')}]")


draw()
