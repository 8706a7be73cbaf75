"""A rater's own figures: how many marks, how alike others' and the own earlier ones, how long a pair takes."""

from __future__ import annotations

import streamlit as st

from engine.learning import checks, dashboard
from engine.learning.dashboard import Dashboard, MeanOverPairs
from engine.store.records import MARKS, SKIP
from engine.strings import several, text
from pages.review import state
from pages.shared import resources
from pages.shared.session import rater


def draw_own_figures() -> None:
    """Draw the screen of its own."""
    state.draw_view_head("mine.title")
    if not state.has_name():
        return
    found = dashboard.of_rater(resources.workspace(), rater())
    if not found.by_mark and found.checked is None:
        st.info(text("mine.nothing"), icon=":material/info:")
        state.draw_check_button(checks.AGREED)
        return
    grid = st.grid(min_column_width=360, border=True)
    for name, figure, words in _figures(found):
        with grid.cell():
            st.markdown(f"**{text(f'mine.{name}')}**")
            st.markdown(f"## {figure}" if figure else f"## {text('mine.unknown')}")
            st.markdown(f":small[{words}]")
    with st.container(horizontal=True):
        state.draw_check_button(checks.REPEAT)
        state.draw_check_button(checks.AGREED)
    st.markdown(f":small[{text('mine.about')}]")


def _figures(found: Dashboard) -> list[tuple[str, str, str]]:
    """Return (name, figure, words) of each; the figure is empty where there is none."""
    counts = ", ".join(f"{text(f'mark.{name}')} {found.by_mark.get(name, 0)}" for name in (*MARKS, SKIP))
    return [
        ("n", str(found.n), counts),
        ("with_others", *_share(found.with_others, "with_others")),
        ("seconds", *_seconds(found)),
        ("repeated", *_share(found.repeated, "repeated")),
        ("drift", *_drift(found.drift)),
        ("checked", *_share(found.checked, "checked")),
    ]


def _share(figure: MeanOverPairs | None, name: str) -> tuple[str, str]:
    if figure is None:
        return "", text(f"mine.{name}_none")
    return f"{100 * figure.value:.0f} %", f"{several(figure.n, f'mine.{name}_of')} {_between(figure, 100, 0)}"


def _seconds(found: Dashboard) -> tuple[str, str]:
    if found.seconds is None:
        return "", text("mine.seconds_none")
    low, middle, high = found.seconds
    return f"{middle:.0f} s", several(found.timed, "mine.seconds_of", low=f"{low:.0f}", high=f"{high:.0f}")


def _drift(figure: MeanOverPairs | None) -> tuple[str, str]:
    """Return the mean change, in which direction, and whether that is beyond chance."""
    if figure is None:
        return "", text("mine.drift_none")
    clear = figure.low is not None and figure.high is not None and not figure.low <= 0 <= figure.high
    way = text(f"mine.drift_{'up' if figure.value > 0 else 'down'}") if clear else text("mine.drift_unclear")
    return f"{figure.value:+.2f}", f"{way} {_between(figure, 1, 2)}"


def _between(figure: MeanOverPairs, scale: float, digits: int) -> str:
    if figure.low is None or figure.high is None:
        return text("mine.no_interval", least=dashboard.FEWEST)
    return text("mine.between", low=f"{scale * figure.low:.{digits}f}", high=f"{scale * figure.high:.{digits}f}")
