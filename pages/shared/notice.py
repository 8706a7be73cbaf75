"""The notice: accepted once per user and version of its text, and a thin line on every page afterwards."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from engine.errors import CasebindError
from engine.strings import notice, text
from pages.shared import resources

STATE = "notice_accepted"


def _kind() -> str:
    """Return the audit entry that stands for an acceptance of the present text."""
    return f"notice {text('notice.version')} accepted"


def draw_banner() -> None:
    """Draw the thin line."""
    st.markdown(f":small[:material/school: {text('app.banner', notice=notice())}]")


def draw_remark() -> None:
    """Draw what was damaged when the workspace was opened, on every page until the app starts anew."""
    with suppress(CasebindError):
        if remark := resources.workspace().remark:
            st.warning(remark, icon=":material/warning:")


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
