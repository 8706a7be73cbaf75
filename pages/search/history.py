"""Searches that the user keeps under a name, and the queries asked last; each opens by its address."""

from __future__ import annotations

from functools import partial
from urllib.parse import parse_qs, urlencode

import streamlit as st

from engine.errors import CasebindError
from engine.retrieval import wording
from engine.retrieval.answer import Answer
from engine.sentences import spoken
from engine.store.searches import PastQuery, SavedSearch
from engine.strings import several, text
from engine.workspace import searches
from pages.search import deleting
from pages.shared import content, frame, free_text, query_state, resources, session, titles, undo
from pages.shared.markdown import escaped, said

ERROR = "saving-error"
SHOWN = 6  # queries of the history that are listed
LONGEST = 60  # characters of an entry


def draw_lists() -> None:
    """Draw the saved searches and the history, on the screen without a query; nothing where there are none."""
    workspace, actor = resources.workspace(), resources.actor()
    saved, past = searches.saved_searches(workspace, actor=actor), searches.past_queries(workspace, actor=actor)
    undo.draw_undo(text("searches.undo"))
    session.show_error(ERROR)
    if not saved and not past:
        return
    left, right = st.columns(2, gap="large")
    if past:
        with left, st.container(key="history", gap="xsmall"):
            st.subheader(text("searches.history"), anchor=False)
            for name, query_ids in _distinct(past)[:SHOWN]:
                _entry(name, query_ids)
            deleting.draw_delete_all()
    if saved:
        with right, st.container(key="saved", gap="xsmall"):
            st.subheader(text("searches.saved"), anchor=False)
            for one in saved:
                _saved(one)


def _distinct(past: list[PastQuery]) -> list[tuple[str, list[str]]]:
    """Return (words, query ids) of queries, those that read the same together, the newest first."""
    named: dict[str, list[str]] = {}
    for one in past:
        named.setdefault(_in_words(one), []).append(one.query_id)
    return list(named.items())


def _in_words(one: PastQuery) -> str:
    """Return what was asked: typed words, several cases, or the kind with what is known of the recording."""
    if one.cases:
        return several(one.cases, "like.title")
    if one.words:
        return f"“{content.shortened(one.words, LONGEST)}”"
    known = wording.labels(one.labels) if one.labels else spoken(one.recognised)
    return content.shortened(f"{text(f'modality_one.{one.modality}')} · {known}", LONGEST)


def _entry(words: str, query_ids: list[str]) -> None:
    """Draw a query that opens, with what deletes it and those that read the same."""
    newest = query_ids[0]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.button(
            escaped(words),
            key=f"past-{newest}",
            type="tertiary",
            icon=":material/history:",
            on_click=_open,
            args=(urlencode({query_state.QUERY: newest}),),
        )
        deleting.draw_delete(query_ids, words)


def _open(address: str) -> None:
    query_state.forget()
    st.query_params.from_dict(parse_qs(address))


def _saved(one: SavedSearch) -> None:
    """Draw a saved search with what changes it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.button(
            escaped(one.name),
            key=f"saved-{one.search_id}",
            type="tertiary",
            icon=":material/bookmark:",
            on_click=_open,
            args=(one.address,),
        )
        label = text("searches.change", name=escaped(one.name))
        with st.popover(label, icon=":material/more_horiz:", type="tertiary", key=f"change-{one.search_id}"):
            key = f"rename-{one.search_id}"
            naming = partial(_rename, one, key)
            free_text.draw_box(st.text_input, text("searches.name"), key, naming, value=one.name, on_change=naming)
            st.button(
                text("searches.delete"),
                key=f"delete-{one.search_id}",
                icon=":material/delete:",
                on_click=_delete,
                args=(one,),
            )


def _rename(one: SavedSearch, field: str) -> None:
    name = free_text.settled(field, st.session_state[field])
    session.attempt(
        ERROR, lambda: searches.rename_search(resources.workspace(), one.search_id, name, actor=resources.actor())
    )


def _delete(one: SavedSearch) -> None:
    workspace, actor = resources.workspace(), resources.actor()
    searches.delete_search(workspace, one.search_id, actor=actor)
    undo.offer(text("searches.deleted", name=escaped(one.name)), lambda: _again(one))


def _again(one: SavedSearch) -> None:
    session.attempt(
        ERROR, lambda: searches.save_search(resources.workspace(), one.name, one.address, actor=resources.actor())
    )


def draw_save(answer: Answer) -> None:
    """Draw, beside the settings of an answer, what keeps this view under a name."""
    with st.popover(text("searches.save"), icon=":material/bookmark_add:", key="save-search"):
        key = f"save-name-{answer.query_id}"
        proposed = titles.query_in_words(answer)
        free_text.draw_box(st.text_input, text("searches.name"), key, value=proposed, max_chars=searches.MAX_NAME)
        st.button(text("searches.save"), type="primary", key="save-go", on_click=_save, args=(key,))
        if kept := st.session_state.pop("search-saved", ""):
            with frame.heard("saved"):
                st.markdown(f":material/check: {escaped(kept)}")
        session.show_error(ERROR)


def _save(field: str) -> None:
    """Keep the view that the address holds, without what belongs to this moment."""
    address = urlencode(query_state.url(query_state.CASE, "choose"), doseq=True)
    try:
        name = free_text.settled(field, st.session_state[field])
        made = searches.save_search(resources.workspace(), name, address, actor=resources.actor())
    except CasebindError as problem:
        st.session_state[ERROR] = said(problem)
        return
    st.session_state["search-saved"] = text("searches.kept", name=made.name)
