"""One collection: its cases in order, the open one with its note, and everything that can be done with both."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.sentences import spoken
from engine.store.collections import CollectionCase, TeachingCollection
from engine.strings import several, text
from engine.teaching import collections
from pages.collections import bar, state
from pages.shared import case_view, fields, frame, resources, study_facts, undo
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped, escaped_lines

KEYS = SCREENS["collections"]
PICTURE = "max(340px, calc(100vh - 440px))"  # of the window, so that the note under it begins in sight


def draw_editor(collection: TeachingCollection) -> None:
    """Draw the collection."""
    found = collections.items(resources.workspace(), collection.collection_id, actor=resources.actor())
    chosen = st.query_params.get(state.CASE)
    at = next((i for i, item in enumerate(found) if item.study_id == chosen), 0)
    bar.draw_collection_bar(collection, found, at)
    frame.describe(collection.title)
    st.title(escaped(collection.title), anchor=False)
    if collection.description:
        st.markdown(escaped_lines(collection.description))
    undo.draw_undo(text("collections.undo"))
    state.show_message()
    if collection.hidden:
        st.info(several(collection.hidden, "collections.hidden"), icon=":material/visibility_off:")
    if not found:
        words = f"**{text('collections.no_cases')}** {text('collections.no_cases_how')}"
        st.info(words, icon=":material/bookmark_add:")
        st.page_link("pages/search/page.py", label=text("collections.to_search"), icon=":material/search:")
        return
    with st.container(key="stacking"):
        left, right = st.columns([2, 7], gap="large")
    with left:
        _list(found, at)
    with right:
        _case(collection, found, at)


def _list(items: list[CollectionCase], index: int) -> None:
    """Draw one button per case; the open one is filled."""
    st.markdown(f"**{text('collections.list')}**")
    with st.container(key="cases", gap="xsmall"):
        for i, item in enumerate(items):
            st.button(
                f"{i + 1}. {study_facts.kind_and_labels(item.row)}",
                key=f"row-{item.study_id}",
                type="primary" if i == index else "tertiary",
                width="stretch",
                on_click=state.select,
                args=(item.study_id,),
            )


def _case(collection: TeachingCollection, items: list[CollectionCase], index: int) -> None:
    item = items[index]
    may_change = collections.may_change(resources.workspace(), collection.collection_id, actor=resources.actor())
    _steps(collection, items, index, may_change)
    st.subheader(text("collections.case_title", n=index + 1, kind=study_facts.kind(item.row)), anchor=False)
    _content(item, index)
    if not may_change:
        st.markdown(escaped_lines(item.note))
        st.markdown(study_facts.about(item.row))
        return
    fields.draw_text_field(
        st.text_area,
        text("collections.note"),
        f"note-{collection.collection_id}-{item.study_id}",
        item.note,
        lambda words, was: collections.note(
            resources.workspace(), collection.collection_id, item.study_id, words, was, actor=resources.actor()
        ),
        help=text("collections.note_help"),
        height=110,
    )
    st.markdown(study_facts.about(item.row))


def _steps(collection: TeachingCollection, items: list[CollectionCase], index: int, may_change: bool) -> None:
    """Draw the buttons that step through the cases, and, where it may change, that move or take out the open one."""
    item, last = items[index], len(items) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="case-bar"):
        for action, key, step in (("previous", "case_previous", -1), ("next", "case_next", 1)):
            st.button(
                text(f"collections.{action}"),
                key=action,
                shortcut=KEYS[key],
                disabled=not 0 <= index + step <= last,
                on_click=state.select,
                args=(items[min(max(index + step, 0), last)].study_id,),
            )
        st.markdown(text("collections.place", n=index + 1, total=len(items)), width="content")
        if not may_change:
            return
        for action, key, step in (("up", "move_up", -1), ("down", "move_down", 1)):
            st.button(
                text(f"collections.{action}"),
                key=action,
                shortcut=KEYS[key],
                disabled=not 0 <= index + step <= last,
                on_click=state.move,
                args=(collection, item.study_id, step),
            )
        st.button(
            text("collections.remove"),
            key="remove",
            shortcut=KEYS["remove"],
            on_click=state.remove,
            args=(collection, items, index),
        )


def _content(item: CollectionCase, index: int) -> None:
    """Draw the recording; a file that cannot be read says so in its place."""
    try:
        study = resources.workspace().study(item.study_id, actor=resources.actor())
        case_view.draw_case(study, key=f"case-{index}", height=PICTURE)
    except CasebindError as error:
        st.error(text("collections.no_study", why=escaped(spoken(error))), icon=":material/error:")
