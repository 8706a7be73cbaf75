"""One collection: its cases in order, the open one with its note, and everything that can be done with both."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.teaching import collections
from engine.teaching.records import Collection, Item
from pages.collections import fields, state
from pages.shared import case_view, resources, study_facts, undo
from pages.shared.keys import SCREENS
from pages.shared.link import link
from pages.shared.markdown import lines, plain
from pages.shared.strings import several, text

KEYS = SCREENS["collections"]


def draw(one: Collection) -> None:
    """Draw the collection."""
    found = collections.items(resources.workspace(), one.collection_id)
    chosen = st.query_params.get(state.CASE)
    at = next((i for i, item in enumerate(found) if item.study_id == chosen), 0)
    _head(one, found, at)
    undo.draw(text("collections.undo"))
    state.say()
    if one.hidden:
        st.info(several(one.hidden, "collections.hidden"), icon=":material/visibility_off:")
    if found:
        with st.container(key="beside"):
            left, right = st.columns([2, 5], gap="large")
        with left:
            _list(found, at)
        with right:
            _case(one, found, at)
    else:
        words = f"**{text('collections.no_cases')}** {text('collections.no_cases_how')}"
        st.info(words, icon=":material/bookmark_add:")
    _foot(one)


def _head(one: Collection, found: list[Item], at: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="collection-bar"):
        st.button(text("collections.all"), icon=":material/arrow_back:", key="all", on_click=state.leave)
        st.button(
            text("collections.present"), icon=":material/slideshow:", key="present", type="primary",
            shortcut=KEYS["present"], disabled=not found, on_click=state.slide, args=(at + 1,),
        )  # fmt: skip
        if found and st.button(text("collections.quiz"), icon=":material/quiz:", key="make-quiz"):
            st.switch_page("pages/quiz/page.py", query_params={"build": one.collection_id})
        st.button(
            text("collections.duplicate"), icon=":material/content_copy:", key="duplicate", on_click=state.duplicate,
            args=(one,),
        )  # fmt: skip
        st.button(
            text("collections.delete"), icon=":material/delete:", key="delete", on_click=state.delete, args=(one,)
        )
    st.title(plain(one.title), anchor=False)
    if one.description:
        st.markdown(lines(one.description))
    with st.expander(text("collections.edit"), icon=":material/edit:"):
        _words(one)


def _words(one: Collection) -> None:
    workspace, which = resources.workspace(), one.collection_id
    fields.field(
        st.text_input, text("collections.new_title"), f"title-{which}", one.title,
        lambda words, was: collections.rename(workspace, which, words, was),
    )  # fmt: skip
    fields.field(
        st.text_area, text("collections.description"), f"about-{which}", one.description,
        lambda words, was: collections.describe(workspace, which, words, was), height=110,
    )  # fmt: skip


def _list(found: list[Item], at: int) -> None:
    """Draw one button per case; the open one is filled."""
    st.markdown(f"**{text('collections.list')}**")
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
    item, last = found[at], len(found) - 1
    with st.container(horizontal=True, vertical_alignment="center", key="case-bar"):
        for action, key, step in (("previous", "case_previous", -1), ("next", "case_next", 1)):
            st.button(
                text(f"collections.{action}"), key=action, shortcut=KEYS[key], disabled=not 0 <= at + step <= last,
                on_click=state.select, args=(found[min(max(at + step, 0), last)].study_id,),
            )  # fmt: skip
        for action, key, step in (("up", "move_up", -1), ("down", "move_down", 1)):
            st.button(
                text(f"collections.{action}"), key=action, shortcut=KEYS[key], disabled=not 0 <= at + step <= last,
                on_click=state.move, args=(one, item.study_id, step),
            )  # fmt: skip
        st.button(
            text("collections.remove"), key="remove", shortcut=KEYS["remove"], on_click=state.remove,
            args=(one, found, at),
        )  # fmt: skip
        st.markdown(text("collections.place", n=at + 1, total=len(found)), width="content")
    st.subheader(text("collections.case_title", n=at + 1, kind=study_facts.kind(item.row)), anchor=False)
    _content(item)
    st.markdown(study_facts.about(item.row))
    fields.field(
        st.text_area, text("collections.note"), f"note-{one.collection_id}-{item.study_id}", item.note,
        lambda words, was: collections.note(resources.workspace(), one.collection_id, item.study_id, words, was),
        help=text("collections.note_help"), height=140,
    )  # fmt: skip


def _content(item: Item) -> None:
    """Draw the recording; a file that cannot be read says so in its place."""
    try:
        case_view.draw(resources.workspace().study(item.study_id), key="case")
    except CasebindError as error:
        st.error(text("collections.no_study", why=plain(error)), icon=":material/error:")


def _foot(one: Collection) -> None:
    """Draw the way to add a case by its id, and the link."""
    left, right = st.columns(2, gap="large")
    with left, st.expander(text("collections.add_title"), icon=":material/add:"):
        st.text_input(text("collections.add_id"), key="add-id")
        st.button(text("collections.add_do"), key="add", on_click=state.add, args=(one,))
        st.page_link("pages/search/page.py", label=text("collections.to_search"), icon=":material/search:")
    with right, st.expander(text("collections.share"), icon=":material/link:"):
        st.markdown(text("collections.share_help"))
        st.code(link("collections", collection=one.collection_id), language=None, wrap_lines=True)
