"""Search: ask, see the nearest cases of every kind, rate; a case that is opened is compared on a page of its own."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from pages.search import ask, controls, query_panel, results, state
from pages.shared import resources
from pages.shared.strings import text


def draw() -> None:
    """Draw the empty screen or the results; lead on to the compare page where a case is open."""
    if state.opened() is not None and state.QUERY in st.query_params:
        st.switch_page("pages/compare/page.py", query_params=state.url())
    resources.warm()
    if state.study() is None and state.QUERY not in st.query_params:
        ask.draw()
        return
    _answered()


def _answered() -> None:
    """Draw the query with its answer; an answer that cannot be had leaves the way back open."""
    panel, bar = st.container(), st.empty()
    with bar.container():
        settings = controls.draw()
    resources.wait(words=state.asks_in_words())
    try:
        with st.spinner(text("search.searching"), show_time=True):
            found = state.answer(settings)
    except CasebindError as error:
        st.error(str(error), icon=":material/error:")
        ask.again_button()
        return
    with panel:
        _heading()
        query_panel.draw(found.study, found.verdict)
    if found.verdict.accepted:
        results.draw(found, settings)
    else:
        bar.empty()


def _heading() -> None:
    heading, new = st.columns([4, 1], vertical_alignment="center")
    heading.title(text("search.query"), anchor=False)
    with new, st.container(horizontal_alignment="right"):
        ask.again_button()


draw()
