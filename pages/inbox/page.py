"""Inbox: what the archive sent, how far each object is, and why some stays out."""

from __future__ import annotations

import streamlit as st

from engine.hospital.inbox_acts import InboxState
from engine.sentences import spoken
from engine.store.arrivals import STATES, Arrival
from engine.strings import number, several, text
from pages.inbox import state, waiting
from pages.shared import frame, html_table, session
from pages.shared.markdown import escaped

COLUMNS = ("when", "object", "sender", "patient", "state", "why")


def draw() -> None:
    """Draw counts, the films that wait for somebody to look, what may be tried again, and the newest objects."""
    frame.describe(text("inbox.title"), screen="inbox")
    st.title(text("inbox.title"), anchor=False)
    found = state.inbox()
    with frame.heard("inbox-said"):
        state.draw_said()
        session.show_error(state.ERROR)
    waiting.draw_waiting(state.films())
    _counts(found)
    _again(found)
    with st.container(key="inbox-rows"):
        if found.newest:
            heads = [text(f"inbox.column_{name}") for name in COLUMNS]
            html_table.draw_html_table(heads, [_cells(one) for one in found.newest])
        else:
            st.markdown(text("inbox.empty"))


def _counts(found: InboxState) -> None:
    """Draw how many objects are in each state, and when the archive was last heard of."""
    st.markdown(text("inbox.lead"))
    with st.container(border=True, key="inbox-state"):
        counted = [f"{word(name)}: {number(found.counts[name])}" for name in STATES if found.counts.get(name)]
        st.markdown(" · ".join([several(found.waiting, "inbox.waiting"), *counted]))
        for what in ("object", "echo"):
            if last := found.lasts.get(what):
                when = last.at[:16].replace("T", " ")
                st.markdown(text(f"inbox.last_{what}", when=when, sender=escaped(last.sender)))


def _again(found: InboxState) -> None:
    """Draw what has refused objects taken up again."""
    if found.counts.get("refused"):
        label = text("inbox.again")
        st.button(label, key="inbox-try-again", icon=":material/refresh:", on_click=state.again, args=(None,))


def _cells(one: Arrival) -> tuple[str, ...]:
    when = f"{one.reached_at:%Y-%m-%d %H:%M}" if one.reached_at else ""
    why = spoken(one.why) if one.why else ""
    return (when, one.kind, one.sender, one.patient_id or "", word(one.state), why)


def word(name: str) -> str:
    """Return the word for a state."""
    return text(f"inbox.state_{name.replace(' ', '_').replace('-', '_')}")


draw()
