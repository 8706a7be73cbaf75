"""One line that says what was just done, with the button that undoes it, for whoever is here when it is pressed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

STATE = "undo"


def offer(words: str, restore: Callable[[], None], *, icon: str = "delete") -> None:
    """Remember what was done and how to undo it; the next one takes its place."""
    st.session_state[STATE] = (words, restore, icon)


def offered() -> str:
    """Return the words about what can be undone; "" where nothing can."""
    return str(st.session_state.get(STATE, ("",))[0])


def draw_undo(label: str) -> None:
    """Draw the line where there is something to undo."""
    if STATE not in st.session_state:
        return
    words, _, icon = st.session_state[STATE]
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="undo-line"):
        st.markdown(f":material/{icon}: {words}", width="content")
        st.button(label, icon=":material/undo:", key="undo-button", on_click=_undo)


def _undo() -> None:
    _, back, _ = st.session_state.pop(STATE)
    back()
