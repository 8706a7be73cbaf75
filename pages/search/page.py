"""Search: ask, see the nearest cases of every kind, open one beside the query, see why, rate."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.retrieval.answer import Answer, Options
from engine.strings import text
from pages.search import (
    ask,
    columns,
    controls,
    exported,
    flagged,
    query_facts,
    results,
    stages,
    steadiness,
    typed_panel,
)
from pages.search import rail as query_rail
from pages.shared import frame, query_state, resources, result_view, titles
from pages.shared.markdown import said
from pages.shared.query_address import options_in_address


def draw() -> None:
    """Draw the empty screen or the results; lead on to the compare page where a case is open."""
    if query_state.opened() is not None and query_state.QUERY in st.query_params:
        st.switch_page("pages/compare/page.py", query_params=query_state.url())
    resources.warm()
    if query_state.study() is not None:
        _first()
    elif (waiting := query_state.flagged()) is not None:
        flagged.draw_question(waiting)
    elif (dropped := query_state.exported()) is not None:
        exported.draw(dropped)
    elif query_state.has_query():
        _answered()
    else:
        frame.describe(text("search.title"), screen="search")
        ask.draw_ask()


def _answered() -> None:
    """Draw the query with its answer; an answer that cannot be had leaves the way back open."""
    rail, place = columns.draw_columns()
    with place:
        bar = st.empty()
        with bar.container():
            settings, end = controls.draw_controls()
        try:
            found = stages.repeat_search(settings)
        except CasebindError as error:
            bar.empty()
            st.error(said(error), icon=":material/error:")
            ask.draw_new_query_button()
            return
    with rail:
        query_rail.draw_rail(found, settings)
    with place:
        if not found.verdict.accepted:
            bar.empty()
            st.title(text("search.refused_title"), anchor=False)
            query_facts.draw_refusal(found.verdict)
            return
        controls.draw_within(found, settings, end)
        controls.draw_group_radii(found)
        if found.typed is not None:
            typed_panel.draw_ways(found.typed)
        warning = st.empty()
        results.draw_results(found, settings)
    _describe(found, settings)
    steadiness.draw(warning, found)


def _describe(found: Answer, settings: Options) -> None:
    """Name the answer in the browser's title, and have it announced once."""
    kinds = result_view.kinds_in_order(found, settings.targets)
    frame.describe(
        text("search.page_title", query=titles.query_in_words(found), found=results.found(found)),
        screen="search",
        token=f"answer {found.query_id} {found.audit_id}",
        announcement=results.found_by_kind(found, kinds),
        focus="next-questions",
    )


def _first() -> None:
    """Search for what was read, in steps; then draw again, with the query in the address."""
    try:
        stages.first_search(options_in_address())
    except CasebindError as error:
        query_state.forget()
        st.session_state["error"] = said(error)
    st.rerun()


draw()
