"""Who is signed in now, for which purpose; emergencies stand first, with their reason."""

from __future__ import annotations

import streamlit as st

from engine.access.sessions import Session
from engine.store.people import People
from engine.strings import text
from engine.workspace import people_office
from pages.shared import permitted, resources
from pages.shared.markdown import escaped
from pages.shared.session import attempt

ERROR = "people-error"


def draw_sessions(people: People) -> None:
    """Draw a line for each session, with the button that ends it for whoever keeps accounts."""
    st.header(text("people.now"), anchor=False)
    found = people_office.open_sessions(resources.workspace(), people, actor=resources.actor())
    for one in sorted(found, key=lambda one: one.use != "emergency"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_line(one), width="stretch")
            if permitted.may("people"):
                st.button(
                    text("people.end", name=one.name),
                    key=f"people-end-{one.number}",
                    on_click=_end,
                    args=(people, one.number),
                )


def _line(one: Session) -> str:
    minutes = max(1, round(one.ends_in / 60))
    line = text("people.session", name=escaped(one.name), purpose=text(f"purpose.{one.use}"), left=minutes)
    return f"{line}  \n**{text('people.reason', reason=escaped(one.reason))}**" if one.reason else line


def _end(people: People, number: str) -> None:
    attempt(ERROR, lambda: people_office.end_session(resources.workspace(), people, number, actor=resources.actor()))
