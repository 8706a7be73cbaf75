"""The window that somebody set on a film, as the browser tells it, for what leaves later: it is kept in the session."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from engine.report.shown_window import ShownWindow
from pages.shared.viewer.panel import Panel

FULL = "full"  # the preset that every film begins with


def take(component: str, panels: Sequence[Panel]) -> None:
    """Take the windows that the browser has sent, one a panel. component : key of the viewer's widget"""
    sent = st.session_state[component].get("windows")
    for panel, told in zip(panels, sent if isinstance(sent, list) else [], strict=False):
        window = _window(told)
        if panel.study_id and window is None:
            st.session_state.pop(_name(panel.study_id), None)
        elif panel.study_id:
            st.session_state[_name(panel.study_id)] = window


def window_of(study_id: str) -> ShownWindow | None:
    """Return the window that was set on the film of a study or stored query; None where it was left as it was."""
    found: ShownWindow | None = st.session_state.get(_name(study_id))
    return found


def _window(told: object) -> ShownWindow | None:
    """Return what was set; None for the whole scale, and for what no viewer sends."""
    if not isinstance(told, dict):
        return None
    ends = told.get("low"), told.get("high")
    inverted = told.get("inverted") is True
    if not all(isinstance(one, (int, float)) and math.isfinite(one) for one in ends):
        return None
    return None if told.get("name") == FULL and not inverted else ShownWindow(*map(float, ends), inverted)


def _name(study_id: str) -> str:
    return f"shown-window-{study_id}"
