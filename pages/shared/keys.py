"""The keyboard: one table from which both the buttons' shortcuts and the printed key list are made.

C and R belong to Streamlit (clear cache, rerun) and must not be used; a test holds that.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.shared.strings import text

# action → key, in the order in which the list is printed; strings.keys.<action> says what it does
KEYS: dict[str, str] = {
    "open": "O",
    "back": "Escape",
    "previous": "Left",
    "next": "Right",
    "relevant": "1",
    "partly": "2",
    "irrelevant": "3",
    "why": "W",
    "new": "N",
    "link": "L",
    "window_full": "4",
    "window_auto": "5",
    "window_dark": "6",
    "window_middle": "7",
    "window_bright": "8",
    "invert": "I",
}
SHOWN = {"Left": "←", "Right": "→", "Escape": "Esc"}


def table() -> pd.DataFrame:
    """Return the printed key list."""
    shown = [SHOWN.get(key, key) for key in KEYS.values()]
    return pd.DataFrame({text("keys.key"): shown, text("keys.what"): [text(f"keys.{action}") for action in KEYS]})


def draw() -> None:
    """Draw the key list."""
    st.table(table().set_index(text("keys.key")))
    st.markdown(f":small[{text('keys.note')}]")
