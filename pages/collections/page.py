"""Collections: all of them, one of them to edit, or one case of it large to present."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.store.collections import TeachingCollection
from engine.strings import several, text
from engine.teaching import access, collections
from pages.collections import editor, present, state
from pages.shared import free_text, resources, undo
from pages.shared.markdown import escaped, escaped_lines, said


def draw() -> None:
    """Draw what the URL asks for; an unknown id leads back to the list with one sentence."""
    collection_id = st.query_params.get(state.COLLECTION)
    if collection_id is None:
        _all()
        return
    try:
        if state.KEY in st.query_params:
            state.enter_as_maker(collection_id)
        one = collections.load(resources.workspace(), collection_id, actor=resources.actor())
        access.note_visitor(resources.workspace(), collection_id, actor=resources.actor())
    except CasebindError as error:
        undo.draw_undo(text("collections.undo"))
        st.error(said(error), icon=":material/error:")
        st.button(text("collections.all"), icon=":material/arrow_back:", on_click=state.leave, key="all")
        return
    if state.PRESENT in st.query_params:
        present.draw_presentation(one)
    else:
        editor.draw_editor(one)


def _all() -> None:
    """Draw the list, or how to begin."""
    st.title(text("collections.title"), anchor=False)
    st.markdown(text("collections.lead"))
    undo.draw_undo(text("collections.undo"))
    state.show_message()
    found = collections.listed(resources.workspace(), actor=resources.actor())
    if not found:
        st.info(f"**{text('collections.empty')}** {text('collections.empty_how')}", icon=":material/bookmark_add:")
    else:
        grid = st.grid(min_column_width=300, border=True)
        for one in found:
            with grid.cell():
                _draw_listed(one)
    _create(expanded=not found)
    st.page_link("pages/search/page.py", label=text("collections.to_search"), icon=":material/search:")


def _draw_listed(one: TeachingCollection) -> None:
    """Draw one collection of the list."""
    seen_by = text(f"access.{one.visibility}")
    st.markdown(f"**{escaped(one.title)}**  \n:small[{several(one.cases, 'collections.cases')} · {seen_by}]")
    if one.description:
        st.markdown(escaped_lines(one.description))
    if one.hidden:
        st.markdown(f":small[{several(one.hidden, 'collections.hidden')}]")
    st.button(
        text("collections.open"), key=f"open-{one.collection_id}", on_click=state.enter, args=(one.collection_id,)
    )


def _create(expanded: bool) -> None:
    with st.expander(text("collections.create"), expanded=expanded, icon=":material/add:"):
        free_text.draw_box(st.text_input, text("collections.new_title"), "new-title")
        free_text.draw_box(st.text_area, text("collections.new_description"), "new-description", height=90)
        st.button(text("collections.create_do"), type="primary", key="create", on_click=state.create)


draw()
