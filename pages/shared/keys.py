"""The keyboard: one table from which both the buttons' shortcuts and the printed key list are made.

C and R belong to Streamlit (clear cache, rerun) and must not be used; a test holds that.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.strings import text
from pages.shared import plain_table

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
    "method": "Q",
    "new": "N",
    "like": "M",
    "counter": "D",
    "part": "S",
    "clear": "X",
    "link": "L",
    "window_full": "4",
    "window_auto": "5",
    "window_dark": "6",
    "window_middle": "7",
    "window_bright": "8",
    "invert": "I",
    "film_window": "V",
    "film_pan": "P",
    "film_magnify": "G",
    "film_turn": "T",
    "film_mirror": "F",
    "film_fit": "0",
    "film_ruler": "K",
    "film_ratio": "B",
    "film_angle": "J",
    "film_arrow": "Y",
    "film_region": "E",
    "film_text": "H",
    "collect": "A",
    "choose": "Space",
    "delete": "Delete",
    "keys": "?",
}
# Screens with keys of their own: a key means one thing on one screen, and may mean another on the next
SCREENS: dict[str, dict[str, str]] = {
    "trace": {  # while the focus is in the trace viewer: pages/shared/viewer/browser/trace/bar.js
        "trace_caliper": "K",
        "trace_stretch": "E",
        "trace_text": "H",
        "trace_march": "B",
        "trace_snap": "V",
        "trace_speed": "P",
        "trace_gain": "G",
        "trace_layout": "Y",
    },
    "collections": {
        "case_previous": "Left",
        "case_next": "Right",
        "move_up": "U",
        "move_down": "D",
        "remove": "X",
        "present": "P",
    },
    "present": {
        "case_previous": "Left",
        "case_next": "Right",
        "reveal": "L",
        "notes": "N",
        "full": "F",
        "leave": "Escape",
    },
    "quiz": {
        "choose_1": "1",
        "choose_2": "2",
        "choose_3": "3",
        "choose_4": "4",
        "choose_5": "5",
        "commit": "Enter",
        "go_on": "Right",
    },
    "reader_study": {"finding_rated": "0 – 9", "finding_present": "P", "finding_absent": "A", "reading_next": "Enter"},
    "inbox": {
        "film_previous": "Left",
        "film_next": "Right",
        "text_black_out": "1",
        "text_keep": "2",
        "text_refuse": "3",
    },
    "review": {
        "relevant": "1",
        "partly": "2",
        "irrelevant": "3",
        "skip": "4",
        "undo": "U",
        "labels": "L",
        "tag_finding": "Q",
        "tag_side": "W",
        "tag_quality": "E",
        "tag_other": "T",
    },
}
SIGN_OUT = "Z"  # on every page, where people sign in; its button shows it
SHOWN = {"Delete": "Del", "Left": "←", "Right": "→", "Escape": "Esc"}
IN_BROWSER = {"Space": " ", "Left": "ArrowLeft", "Right": "ArrowRight"}  # the names that a browser has for keys


def by_screen() -> dict[str, dict[str, str]]:
    """Return screen → action → key."""
    return {"search": KEYS, **SCREENS}


def table() -> pd.DataFrame:
    """Return the printed key list, screen by screen."""
    rows = [
        (SHOWN.get(key, key), text(f"keys.screen_{screen}"), text(f"keys.{action}"))
        for screen, keys in by_screen().items()
        for action, key in keys.items()
    ]
    return pd.DataFrame(rows, columns=[text("keys.key"), text("keys.where"), text("keys.what")])


def draw_keys() -> None:
    """Draw the key list."""
    plain_table.draw(table())
    st.markdown(f":small[{text('keys.note')}]")
