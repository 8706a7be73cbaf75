"""The window that somebody set on a film, which the browser tells while a result is exported; kept in the session."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from engine.report.shown_window import ShownWindow
from engine.study import Study
from pages.shared.viewer.panel import Panel

WANTED = "exporting"  # its name in the session while something is exported: no drag asks the server otherwise
FULL = "full"  # the preset that every film begins with


def is_wanted() -> bool:
    """Say whether viewers are to tell the windows that were set on them."""
    return bool(st.session_state.get(WANTED))


def take(component: str, panels: Sequence[Panel]) -> None:
    """Take the windows that the browser has sent, one a panel. component : key of the viewer's widget"""
    sent = st.session_state[component].get("windows")
    for panel, told in zip(panels, sent if isinstance(sent, list) else [], strict=False):
        window = _window(told)
        if window is None or panel.anonymous:
            st.session_state.pop(_name(panel), None)
        else:
            st.session_state[_name(panel)] = window


def window_of(study: Study) -> ShownWindow | None:
    """Return the window that was set on a film; None where it was left as it was."""
    found: ShownWindow | None = st.session_state.get(_name(Panel(study)))
    return found


def _window(told: object) -> ShownWindow | None:
    """Return what was set; None for the whole scale, and for what no viewer sends."""
    if not isinstance(told, dict):
        return None
    inverted, ends = told.get("inverted") is True, [told.get(name) for name in ("low", "high")]
    known = [float(one) for one in ends if isinstance(one, (int, float)) and math.isfinite(one)]
    if len(known) != len(ends) or (told.get("name") == FULL and not inverted):
        return None
    return ShownWindow(known[0], known[1], inverted)


def _name(panel: Panel) -> str:
    return f"shown-window-{panel.token}"
