"""One case as high as the window, for a room: labels and the presenter's notes hidden until asked for, all by keys."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.sentences import spoken
from engine.store.collections import CollectionCase, TeachingCollection
from engine.strings import text
from engine.teaching import collections
from pages.collections import state
from pages.shared import case_view, frame, resources, study_facts
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped, escaped_lines

KEYS = SCREENS["present"]
REVEALED, FULL = "present-shown", "present-full"  # what is shown of which case; how often full screen was asked for
LABELS, NOTES = "labels", "notes"  # what may be shown beside the case
PICTURE = "calc(100vh - 112px)"  # the window under the notice and the bar
# Nothing but the thin notice and one bar stand over the case, and the case takes the window.
BARE = """<style>
[data-testid=stHeader], .stAppHeader, .st-key-language { display: none; }
.st-key-tools { visibility: hidden; height: 1.5rem; overflow: hidden; }
.st-key-banner { margin-bottom: 0; }
[data-testid=stMainBlockContainer] { max-width: 100%; padding: 0.25rem 1rem 1rem; }
[data-testid=stMainBlockContainer] > [data-testid=stVerticalBlock] { gap: 0.35rem; }
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
    place = text("collections.place", n=n, total=len(found))
    frame.describe(text("frame.part", title=collection.title, part=place))
    of_case, shown = st.session_state.get(REVEALED, ("", frozenset()))
    shown = shown if of_case == item.study_id else frozenset()
    _bar(collection, found, n, shown)
    _full_screen()
    _stage(item, n, shown)


def _bar(collection: TeachingCollection, items: list[CollectionCase], n: int, shown: frozenset[str]) -> None:
    study_id = items[n - 1].study_id
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="present-bar"):
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
        for what, action in ((LABELS, "reveal"), (NOTES, "notes")):
            st.button(
                text(f"present.hide_{what}" if what in shown else f"present.show_{what}"),
                key=f"present-{action}",
                shortcut=KEYS[action],
                on_click=_show,
                args=(study_id, shown ^ {what}),
            )
        st.button(
            text("present.full"),
            key="present-full-screen",
            icon=":material/fullscreen:",
            shortcut=KEYS["full"],
            on_click=_ask_full,
        )
        st.button(text("present.leave"), key="leave", shortcut=KEYS["leave"], on_click=_leave, args=(study_id,))


def _stage(item: CollectionCase, n: int, shown: frozenset[str]) -> None:
    """Draw the case as high as the window, and beside it the labels and notes that are asked for."""
    with st.container(key="stacking"):  # on a narrow window the words stand under the case, which keeps its width
        picture, words = (st.container(), None) if not shown else st.columns([4, 1], gap="medium")
    with picture:
        _case(item, n, anonymous=LABELS not in shown)
    if words is None:
        return
    with words, st.container(key="present-words"):
        if LABELS in shown:
            st.markdown(f"{study_facts.kind(item.row)}  \n{study_facts.about(item.row)}")
        if NOTES in shown:
            st.markdown(f"**{text('present.notes_title')}**  \n{escaped_lines(item.note) or text('present.no_note')}")


def _case(item: CollectionCase, n: int, *, anonymous: bool) -> None:
    try:
        study = resources.workspace().study(item.study_id, actor=resources.actor())
    except CasebindError as error:
        st.error(text("collections.no_study", why=escaped(spoken(error))), icon=":material/error:")
        return
    case_view.draw_case(study, key=f"stage-{n}", anonymous=anonymous, height=PICTURE, container="present-case")


def _go(n: int) -> None:
    st.session_state.pop(REVEALED, None)
    state.slide(n)


def _show(study_id: str, shown: frozenset[str]) -> None:
    """Show labels, notes, both or neither of a case; the next case begins with neither."""
    st.session_state[REVEALED] = (study_id, shown)


def _leave(study_id: str = "") -> None:
    st.session_state.pop(REVEALED, None)
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
