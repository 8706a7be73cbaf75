"""The notice: accepted once per user and version of its text, and a thin line on every page afterwards."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.errors import CasebindError
from engine.strings import notice, text
from pages.shared import language, resources, signed_in

STATE = "notice_accepted"
DAMAGE = "unread_damage"


def _kind() -> str:
    """Return the audit entry that stands for an acceptance of the present text."""
    return f"notice {text('notice.version')} accepted"


def draw_banner() -> DeltaGenerator:
    """Draw the thin line, and the choice of the language, which stands in the frame's upper corner.

    Return the place at the line's end, for what every page offers.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="banner"):
        st.markdown(f":small[:material/school: {text('app.banner', notice=notice())}]", width="stretch")
        with st.container(key="language", width="content"):
            language.draw_choice()
        with st.container(key="who", width="content"):
            signed_in.draw()
        return st.container(key="tools", width="content")


def draw_damage() -> None:
    """Draw what was damaged in the workspace, until this user has read it, and what fails now."""
    with suppress(CasebindError):
        place = resources.workspace()
        if DAMAGE not in st.session_state:
            st.session_state[DAMAGE] = place.unread_damage(actor=resources.actor())
        if found := st.session_state[DAMAGE]:
            st.warning(found, icon=":material/warning:")
            st.button(text("journal.read"), on_click=_damage_read, key="damage-read")
        if failing := place.journal_failure:
            st.warning(failing, icon=":material/warning:")


def _damage_read() -> None:
    resources.workspace().mark_damage_read(actor=resources.actor())
    st.session_state[DAMAGE] = ""


def accepted() -> bool:
    """Return whether this user accepted the present version, in this session or as the workspace records it."""
    if not st.session_state.get(STATE):
        try:
            st.session_state[STATE] = resources.workspace().recorded(_kind(), actor=resources.actor())
        except CasebindError:
            return False
    return bool(st.session_state[STATE])


def _accept() -> None:
    st.session_state[STATE] = True
    with suppress(CasebindError):  # without a workspace it holds for this session
        resources.workspace().audit(_kind(), actor=resources.actor())


def draw_notice() -> None:
    """Draw the whole notice with its button; the models load while it is read."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle, st.container(border=True, key="notice"):
        st.title(text("notice.title"), anchor=False)
        st.markdown(f"**{notice()}.**")
        st.markdown(text("notice.points"))
        st.button(text("notice.accept"), type="primary", on_click=_accept, key="accept")
        st.markdown(f":small[{text('notice.kept', version=text('notice.version'))}]")
    with suppress(CasebindError):
        resources.warm()
