"""Add a case to a collection, from a result card or beside the query. "Added" stands there once it is on disk."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.strings import text
from engine.teaching import collections
from pages.shared import resources
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped

NEW = ""  # stands for a collection that is yet to be made
LAST = "collect-last"  # the collection used last, offered first
OPEN = "collecting"  # the study whose choice is open: a page that is drawn anew, as for a finer map, keeps it open


def draw_collect_button(study_id: str, query_id: str | None = None, *, by_key: bool = False) -> None:
    """Draw the button that opens the choice of a collection. by_key: for the one open case of a page."""
    st.button(
        text("collect.open"),
        key=f"collect-{study_id}",
        icon=":material/bookmark_add:",
        help=text("collect.help"),
        shortcut=KEYS["collect"] if by_key else None,
        on_click=_begin,
        args=(study_id,),
    )
    if st.session_state.get(OPEN) == study_id:
        _dialog(study_id, query_id)
    elif by_key:
        _end()  # the page has gone on to another case


def _begin(study_id: str) -> None:
    st.session_state[OPEN] = study_id
    st.session_state.pop("collected", None)


def _end() -> None:
    st.session_state.pop(OPEN, None)


@st.dialog(text("collect.open"), width="small", on_dismiss=_end)
def _dialog(study_id: str, query_id: str | None) -> None:
    """Draw the choice; it stays open until it is dismissed, so that what was done can be read."""
    found = {one.collection_id: one.title for one in collections.listed(resources.workspace(), actor=resources.actor())}
    ids = [*found, NEW]
    last = st.session_state.get(LAST)
    chosen = st.selectbox(
        text("collect.existing"),
        ids,
        index=ids.index(last) if last in ids else 0,
        format_func=lambda one: found.get(one, text("collect.new")),
        key="collect-which",
    )
    if chosen == NEW:
        st.text_input(text("collect.title"), key="collect-title")
    st.button(text("collect.add"), type="primary", key="collect-add", on_click=_add, args=(study_id, query_id))
    good, words = st.session_state.get("collected", (True, ""))
    if words:
        (st.success if good else st.error)(words, icon=":material/check:" if good else ":material/error:")


def _add(study_id: str, query_id: str | None) -> None:
    """Store the case in what is chosen; keep the sentence that says what came of it."""
    workspace, actor = resources.workspace(), resources.actor()
    collection_id = st.session_state["collect-which"]
    try:
        if collection_id == NEW:
            title = st.session_state.get("collect-title", "")
            collection_id = collections.create(workspace, title, actor=actor).collection_id
            st.session_state["collect-which"] = collection_id  # so that a second click makes no second one
        new = collections.add(workspace, collection_id, study_id, actor=actor, query_id=query_id)
        name = escaped(collections.load(workspace, collection_id, actor=actor).title)
    except CasebindError as error:
        st.session_state["collected"] = (False, escaped(error))
        return
    st.session_state[LAST] = collection_id
    st.session_state["collected"] = (True, text("collect.added" if new else "collect.there", title=name))
