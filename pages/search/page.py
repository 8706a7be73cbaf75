"""Search: ask, see the nearest cases of every kind, open one beside the query, see why, rate."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from pages.search import ask, controls, pinned, query_panel, results, stages
from pages.shared import query_state, resources
from pages.shared.query_address import options_in_address


def draw() -> None:
    """Draw the empty screen or the results; lead on to the compare page where a case is open."""
    if query_state.opened() is not None and query_state.QUERY in st.query_params:
        st.switch_page("pages/compare/page.py", query_params=query_state.url())
    resources.warm()
    if query_state.study() is not None:
        _first()
    elif query_state.has_query():
        _answered()
    else:
        ask.draw_ask()


def _answered() -> None:
    """Draw the query with its answer; an answer that cannot be had leaves the way back open."""
    strip, panel, bar = st.container(key="pinned"), st.container(), st.empty()
    with bar.container():
        settings = controls.draw_controls()
    try:
        found = stages.repeat_search(settings)
    except CasebindError as error:
        bar.empty()
        st.error(str(error), icon=":material/error:")
        ask.draw_new_query_button()
        return
    with strip:
        pinned.draw_pinned(found)
    with panel:
        query_panel.draw_query_panel(found, settings)
    if found.verdict.accepted:
        results.draw_results(found, settings)
    else:
        bar.empty()


def _first() -> None:
    """Search for what was read, in steps; then draw again, with the query in the address."""
    try:
        stages.first_search(options_in_address())
    except CasebindError as error:
        query_state.forget()
        st.session_state["error"] = str(error)
    st.rerun()


draw()
