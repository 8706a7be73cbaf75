"""Map: the collection in two dimensions; draw around studies, or choose them by kind and finding, and see them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.errors import UsageError
from engine.map import selection as selection_module
from engine.map.file import MIN_STUDIES
from engine.map.place import QueryPlace
from engine.map.points import BY, Points
from engine.modalities import MODALITIES
from engine.retrieval import wording
from engine.strings import number, text
from pages.map import figure, progress, selection, state
from pages.shared.markdown import said


def draw() -> None:
    """Draw the map, or that it is being made, or why there is none."""
    st.title(text("map.title"), anchor=False)
    st.markdown(text("map.lead"))
    shown = state.current_map()
    running = state.ensure_map(shown)
    progress.draw_map_progress(running)
    if shown is None or not len(shown.points.ids):
        if running is None:
            st.info(text("map.too_few", least=MIN_STUDIES), icon=":material/map:")
        return
    if figure.freshness_note(shown):
        st.markdown(f":material/update: {figure.freshness_note(shown)}")
    by, near = _controls(shown.points)
    passing = selection_module.passing(shown.points, state.in_url("kinds"), state.in_url("finding"))
    query = state.query_place(shown)
    _figure(shown, by, passing, query)
    figure.draw_legend(shown, by, passing)
    _notes(query)
    figure.draw_caveat(shown)
    with st.expander(text("search.numbers")):
        st.table(figure.numbers(shown, by, passing), hide_index=True)
    try:
        how, places = state.chosen(shown.points, near)
    except UsageError as error:
        st.error(said(error), icon=":material/error:")
        return
    selection.draw_selection(shown.points, how, places, near)


def _controls(points: Points) -> tuple[str, str]:
    """Draw colouring and filters, put them into the URL, and return the colouring and the study to be near to."""
    _remember("by", (state.in_url("by") or [BY[0]])[0])
    _remember("kinds", state.in_url("kinds"))
    found = dict(points.finding_counts)
    _remember("finding", [name for name in state.in_url("finding") if name in found])
    _remember("near", "".join(state.in_url("near")[:1]))
    with st.container(horizontal=True, vertical_alignment="bottom", key="map-controls"):
        st.segmented_control(
            text("map.by"), BY, required=True, key="map-by", format_func=lambda one: text(f"map.by_{one}")
        )
        st.pills(
            text("map.kinds"),
            list(MODALITIES),
            selection_mode="multi",
            key="map-kinds",
            format_func=lambda one: text(f"modality.{one}"),
        )
        st.multiselect(
            text("map.finding"),
            list(found),
            key="map-finding",
            placeholder=text("controls.any"),
            width=280,
            format_func=lambda one: f"{wording.finding(one)} ({number(found[one])})",
        )
        st.text_input(text("map.near"), key="map-near", placeholder=text("map.near_example"), width=280)
    values = {name: st.session_state[f"map-{name}"] for name in ("by", "kinds", "finding", "near")}
    state.to_url("by", [values["by"]] if values["by"] != BY[0] else [])
    for name in ("kinds", "finding"):
        state.to_url(name, list(values[name]))
    state.to_url("near", [values["near"].strip()] if values["near"].strip() else [])
    return values["by"], values["near"].strip()


def _remember(name: str, value: object) -> None:
    """Give a widget the URL's value when it is drawn for the first time."""
    if f"map-{name}" not in st.session_state:
        st.session_state[f"map-{name}"] = value


@st.fragment
def _figure(map_view: state.MapView, by: str, passing: np.ndarray, query: QueryPlace | None) -> None:
    """Draw the figure; a look at a point redraws it alone, an outline the whole page."""
    found = figure.draw_figure(map_view, by, passing, query, st.session_state.get(state.LOOKED, ""))
    looked = getattr(found, "looked", None)
    if isinstance(looked, str) and looked != st.session_state.get(state.LOOKED):
        st.session_state[state.LOOKED] = looked
        st.rerun(scope="fragment")
    if state.store_outline(getattr(found, "outline", None)):
        st.rerun(scope="app")


def _notes(query: QueryPlace | None) -> None:
    """Say how to choose, and how the query came to its place."""
    words = [text("map.gesture")]
    if query is not None:
        words.append(text("map.query_place", n=len(query.near)) if query.near else text("map.query_own"))
        if not query.is_clear:
            words.append(text("map.query_unclear"))
    elif state.query_shown():
        words.append(text("map.query_none"))
    st.markdown(" ".join(words))


draw()
