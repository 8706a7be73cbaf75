"""One case large, for a room: labels and note hidden until asked for, keys for everything."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.store.collections import CollectionCase, TeachingCollection
from engine.strings import text
from engine.teaching import collections
from pages.collections import state
from pages.shared import case_view, resources, study_facts
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped, escaped_lines

KEYS = SCREENS["present"]
REVEALED, FULL = "present-shown", "present-full"  # what is revealed; how often full screen was asked for
# Nothing but the thin notice stands beside the case, and the case takes the width.
BARE = """<style>
[data-testid=stHeader], .stAppHeader { display: none; }
[data-testid=stMainBlockContainer] { max-width: 100%; padding-top: 1rem; }
</style>"""
SWITCH = (
    "document.fullscreenElement ? document.exitFullscreen()"
    " : document.documentElement.requestFullscreen().catch(() => {})"
)


def draw_presentation(collection: TeachingCollection) -> None:
    """Draw the case that the URL names by its place."""
    st.html(BARE)
    found = collections.items(resources.workspace(), collection.collection_id, actor=resources.actor())
    if not found:
        st.info(text("present.none"), icon=":material/visibility_off:")
        st.button(text("present.leave"), key="leave", shortcut=KEYS["leave"], on_click=_leave)
        return
    n = state.position_in_url(state.PRESENT, len(found))
    item = found[n - 1]
    shown = st.session_state.get(REVEALED) == item.study_id
    _bar(collection, found, n, shown)
    _full_screen()
    with st.container(key="stage"):
        _stage(item, n, shown)


def _bar(collection: TeachingCollection, items: list[CollectionCase], n: int, revealed: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="present-bar"):
        st.markdown(f"**{escaped(collection.title)}**", width="stretch")
        st.markdown(text("collections.place", n=n, total=len(items)), width="content")
        for action, step in (("previous", -1), ("next", 1)):
            st.button(
                text(f"collections.{action}"),
                key=f"present-{action}",
                shortcut=KEYS[f"case_{action}"],
                disabled=not 1 <= n + step <= len(items),
                on_click=_go,
                args=(n + step,),
            )
        st.button(
            text("present.hide" if revealed else "present.reveal"),
            key="present-reveal",
            shortcut=KEYS["reveal"],
            on_click=_reveal,
            args=(None if revealed else items[n - 1].study_id,),
        )
        st.button(
            text("present.full"),
            key="present-full-screen",
            icon=":material/fullscreen:",
            shortcut=KEYS["full"],
            on_click=_ask_full,
        )
        st.button(
            text("present.leave"), key="leave", shortcut=KEYS["leave"], on_click=_leave, args=(items[n - 1].study_id,)
        )


def _stage(item: CollectionCase, n: int, revealed: bool) -> None:
    """Draw labels and note where they are asked for, over the case, so that they are read without scrolling."""
    st.subheader(study_facts.kind(item.row), anchor=False)
    if revealed:
        st.markdown(study_facts.about(item.row))
        st.markdown(escaped_lines(item.note) or text("present.no_note"))
    else:
        st.markdown(f":material/visibility_off: {text('present.hidden')}")
    try:
        case_view.draw_case(
            resources.workspace().study(item.study_id, actor=resources.actor()),
            key=f"stage-{n}",
            anonymous=not revealed,
        )
    except CasebindError as error:
        st.error(text("collections.no_study", why=escaped(error)), icon=":material/error:")


def _go(n: int) -> None:
    _reveal(None)
    state.slide(n)


def _reveal(study_id: str | None) -> None:
    st.session_state[REVEALED] = study_id


def _leave(study_id: str = "") -> None:
    _reveal(None)
    state.slide(None)
    if study_id:
        state.select(study_id)


def _ask_full() -> None:
    st.session_state[FULL] = st.session_state.get(FULL, 0) + 1
    st.session_state["present-switch"] = True


def _full_screen() -> None:
    """Switch the browser's full screen where that was just asked for; the click's permission still holds."""
    if st.session_state.pop("present-switch", False):
        script = f"/* {st.session_state[FULL]} */ {SWITCH}"
        st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)
