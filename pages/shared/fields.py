"""Text boxes that store what is typed when they are left, and never over what someone else wrote meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from engine.errors import CasebindError
from engine.sentences import spoken
from engine.strings import text
from pages.shared import frame, free_text
from pages.shared.markdown import escaped

Save = Callable[[str, str], None]  # (text, the text that was edited)


def draw_text_field(box: Any, label: str, key: str, stored: str, save: Save, **options: Any) -> None:
    """Draw one box (st.text_input or st.text_area) of a stored text, and what came of the last change to it.

    Words that could not be stored stay in the box.
    """
    was = f"{key}-was"
    if key not in st.session_state or st.session_state[key].strip() == st.session_state.get(was, stored).strip():
        st.session_state[key] = st.session_state[was] = stored  # also where another tab changed it
    box(label, key=key, on_change=_store, args=(key, save), **options)
    free_text.draw(key, st.session_state[key], on_choice=partial(_store, key, save))
    good, words = st.session_state.get(f"{key}-said", (True, ""))
    if words:
        with frame.heard(key):
            st.markdown(f":small[:material/check: {words}]" if good else f":material/error: {words}")


def _store(key: str, save: Save) -> None:
    stored = free_text.settled(key, st.session_state[key])
    try:
        save(stored, st.session_state[f"{key}-was"])
    except CasebindError as error:
        st.session_state[f"{key}-said"] = (False, escaped(spoken(error)))
        return
    st.session_state[f"{key}-was"] = stored
    st.session_state[f"{key}-said"] = (True, text("collections.saved"))
