"""The browser's theme and the paper that belongs to it."""

from __future__ import annotations

import streamlit as st

from engine.drawing import palette
from engine.drawing.palette import Paper, ThemeType


def browser_theme() -> ThemeType:
    """Return the theme that the browser shows; dark until it has said which."""
    return "light" if st.context.theme.type == "light" else "dark"


def browser_paper() -> Paper:
    """Return the trace paper of the theme that the browser shows."""
    return palette.paper(browser_theme())
