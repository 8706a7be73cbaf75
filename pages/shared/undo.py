"""One line that says what was just taken away, with the button that brings it back."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

STATE = "undo"


def offer(words: str, restore: Callable[[], None]) -> None:
    """Remember what was taken away and how to bring it back; the next one takes its place."""
    st.session_state[STATE] = (words, restore)


def draw_undo(label: str) -> None:
    """Draw the line where there is something to undo."""
    if STATE not in st.session_state:
        return
    words, _ = st.session_state[STATE]
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="undo-line"):
        st.markdown(f":material/delete: {words}", width="content")
        st.button(label, icon=":material/undo:", key="undo-button", on_click=_undo)


def _undo() -> None:
    _, back = st.session_state.pop(STATE)
    back()
