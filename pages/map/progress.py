"""What is said while a map is being made: its step, how far it is, and a way to stop it."""

from __future__ import annotations

import streamlit as st

from engine.map.job import MapJob
from engine.strings import text
from pages.map import state
from pages.shared.markdown import said

POLL_S = 1.0


def draw_map_progress(running: MapJob | None) -> None:
    """Draw progress, or that it was stopped or failed and how to begin again; nothing where nothing was begun."""
    if running is None or running.step == "done":
        return
    if not running.over:
        _progress(running)
        return
    words = said(running.error) if running.step == "failed" else text("map.stopped")
    st.warning(words, icon=":material/map:")
    st.button(text("map.make"), key="map-make", on_click=_start)


def _start() -> None:
    state.start_map()


@st.fragment(run_every=POLL_S)
def _progress(running: MapJob) -> None:
    """Draw the step and its share, once a second; the whole page is drawn anew when it ends."""
    if running.over:
        st.rerun(scope="app")
    bar, stop = st.columns([5, 1], vertical_alignment="bottom")
    bar.progress(running.share, text=text(f"map.step_{running.step}"))
    stop.button(text("map.stop"), key="map-stop", on_click=state.stop)
