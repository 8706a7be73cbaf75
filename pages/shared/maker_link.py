"""The link by which a maker comes back to their quiz or collection in another browser; shown once, when it is made."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.strings import text
from engine.teaching import access
from pages.shared import frame, resources


def draw_maker_link(subject_id: str, address: Callable[[str], str]) -> None:
    """Draw the button that makes the link, and the link while this session lasts. address: of a key."""
    st.markdown(f"**{text('access.maker_link')}**  \n{text('access.maker_link_help')}")
    shown = f"maker-key-{subject_id}"
    with frame.heard("maker-link"):
        if known := st.session_state.get(shown):
            st.code(address(known), language=None, wrap_lines=True)
    st.button(
        text("access.maker_link_new"), icon=":material/key:", key="maker-link", on_click=_make, args=(subject_id,)
    )


def _make(subject_id: str) -> None:
    key = access.new_key(resources.workspace(), subject_id, actor=resources.actor())
    st.session_state[f"maker-key-{subject_id}"] = key
