"""The trace viewer in the browser: mounted with its data, and what it asks the server for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from engine.drawing.palette import hex_of, paper
from engine.drawing.signed_colours import colour_scale
from engine.strings import section
from pages.shared.theme import browser_theme
from pages.shared.viewer import browser, drawn, trace_data
from pages.shared.viewer.panel import Frame, Panel

STYLES = ("common/style.css", "trace/trace.css")
CALIPER = {"light": "#0B5A8F", "dark": "#7FD0FF"}
SECOND = {"light": "#A63A00", "dark": "#FFB070"}  # of the second of two recordings over each other, dashed besides


def mount(panels: Sequence[Panel], frame: Frame, data: dict[str, Any]) -> None:
    """Draw the viewer with `data`, and with the words, colours and settings that every trace has."""
    sides = ("st-key-compare-query", "st-key-compare-match") if len(panels) > 1 else ("",)
    for side, panel, one in zip(sides, panels, data["panels"], strict=True):
        one.update(drawn.state_of(panel, frame.key), side=side)
    name = f"{frame.key}-trace"
    browser.component("trace", "trace/trace.js", STYLES)(
        key=name,
        data={
            "key": frame.key,
            "height": frame.height,
            "linked": frame.linked,
            "words": section("trace_viewer"),
            "colours": _colours(),
            **data,
        },
        on_stretch_change=partial(_take_stretch, name, frame.key, panels),
        on_drawn_change=partial(drawn.take, name, frame.key, panels),
    )


def _colours() -> dict[str, str]:
    theme = browser_theme()
    own, scale = paper(theme), colour_scale()
    return {
        "background": own.background,
        "minor": own.minor,
        "major": own.major,
        "ink": own.ink,
        "faint": own.faint,
        "caliper": CALIPER[theme],
        "second": SECOND[theme],
        "lowers": hex_of(scale[0]),
        "raises": hex_of(scale[-1]),
    }


def sent_part(panel: Panel, frame: Frame, number: int) -> trace_data.Sent:
    """Return the part of a panel's recording that the browser has: around what is searched, or what it asked for."""
    searched = panel.study.window_s
    around = st.session_state.get(_stretch_name(frame.key, number, panel), searched[0] if searched else 0.0)
    return trace_data.sent_part(panel, float(around))


def _take_stretch(component: str, key: str, panels: Sequence[Panel]) -> None:
    """Take the moment of a long recording that the browser was moved to."""
    asked = st.session_state[component].get("stretch")
    if not isinstance(asked, dict) or asked.get("panel") not in range(len(panels)):
        return
    number, around = asked["panel"], asked.get("from")
    if isinstance(around, int | float):
        st.session_state[_stretch_name(key, number, panels[number])] = float(around)


def _stretch_name(key: str, number: int, panel: Panel) -> str:
    return f"{key}-stretch-{number}-{panel.token[:16]}"
