"""Search: ask, see the nearest cases of every kind, open one beside the query, see why, rate."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from pages.search import ask, controls, detail, query_panel, results, state
from pages.shared import resources
from pages.shared.strings import text


def draw() -> None:
    """Draw the empty screen, the results, or one case beside the query."""
    resources.warm()
    if state.study() is None and state.QUERY not in st.query_params:
        ask.draw()
        return
    _answered()


def _answered() -> None:
    """Draw the query with its answer; an answer that cannot be had leaves the way back open."""
    opened = state.opened()
    panel, bar = st.container(), st.empty()
    with bar.container():
        settings = controls.draw() if opened is None else controls.recalled()
    resources.wait(words=state.asks_in_words())
    try:
        with st.spinner(text("search.searching"), show_time=True):
            found = state.answer(settings)
    except CasebindError as error:
        st.error(str(error), icon=":material/error:")
        ask.again_button()
        return
    if opened is not None:
        detail.draw(found, opened)
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
