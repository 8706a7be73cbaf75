"""One collection: its cases in order, the open one with its note, and everything that can be done with both."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.teaching import collections
from engine.teaching.records import Collection, Item
from pages.collections import bar, fields, state
from pages.shared import case_view, resources, study_facts, undo
from pages.shared.keys import SCREENS
from pages.shared.markdown import lines, plain
from pages.shared.strings import several, text

KEYS = SCREENS["collections"]


def draw(one: Collection) -> None:
    """Draw the collection."""
    found = collections.items(resources.workspace(), one.collection_id)
    chosen = st.query_params.get(state.CASE)
    at = next((i for i, item in enumerate(found) if item.study_id == chosen), 0)
    bar.draw(one, found, at)
    st.title(plain(one.title), anchor=False)
    if one.description:
        st.markdown(lines(one.description))
    undo.draw(text("collections.undo"))
    state.say()
    if one.hidden:
        st.info(several(one.hidden, "collections.hidden"), icon=":material/visibility_off:")
    if not found:
        words = f"**{text('collections.no_cases')}** {text('collections.no_cases_how')}"
        st.info(words, icon=":material/bookmark_add:")
        st.page_link("pages/search/page.py", label=text("collections.to_search"), icon=":material/search:")
        return
    with st.container(key="beside"):
        left, right = st.columns([2, 7], gap="large")
    with left:
        _list(found, at)
    with right:
        _case(one, found, at)


def _list(found: list[Item], at: int) -> None:
    """Draw one button per case; the open one is filled."""
    st.markdown(f"**{text('collections.list')}**")
    with st.container(key="cases", gap="xsmall"):
        for i, item in enumerate(found):
            st.button(
                text("collections.row", n=i + 1, kind=study_facts.kind(item.row), labels=study_facts.named(item.row)),
                key=f"row-{item.study_id}",
                type="primary" if i == at else "tertiary",
                width="stretch",
                on_click=state.select,
                args=(item.study_id,),
            )


def _case(one: Collection, found: list[Item], at: int) -> None:
    item = found[at]
    _steps(one, found, at)
    st.subheader(text("collections.case_title", n=at + 1, kind=study_facts.kind(item.row)), anchor=False)
    st.markdown(study_facts.about(item.row))
    fields.field(
        st.text_area,
        text("collections.note"),
        f"note-{one.collection_id}-{item.study_id}",
        item.note,
        lambda words, was: collections.note(resources.workspace(), one.collection_id, item.study_id, words, was),
        help=text("collections.note_help"),
        height=110,
    )
    _content(item, at)


def _steps(one: Collection, found: list[Item], at: int) -> None:
    """Draw the buttons that step through the cases, and that move or take out the open one."""
    item, last = found[at], len(found) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="case-bar"):
        for action, key, step in (("previous", "case_previous", -1), ("next", "case_next", 1)):
            st.button(
                text(f"collections.{action}"),
                key=action,
                shortcut=KEYS[key],
                disabled=not 0 <= at + step <= last,
                on_click=state.select,
                args=(found[min(max(at + step, 0), last)].study_id,),
            )
        st.markdown(text("collections.place", n=at + 1, total=len(found)), width="content")
        for action, key, step in (("up", "move_up", -1), ("down", "move_down", 1)):
            st.button(
                text(f"collections.{action}"),
                key=action,
                shortcut=KEYS[key],
                disabled=not 0 <= at + step <= last,
                on_click=state.move,
                args=(one, item.study_id, step),
            )
        st.button(
            text("collections.remove"),
            key="remove",
            shortcut=KEYS["remove"],
            on_click=state.remove,
            args=(one, found, at),
        )


def _content(item: Item, at: int) -> None:
    """Draw the recording; a file that cannot be read says so in its place."""
    try:
        case_view.draw(resources.workspace().study(item.study_id), key=f"case-{at}")
    except CasebindError as error:
        st.error(text("collections.no_study", why=plain(error)), icon=":material/error:")
