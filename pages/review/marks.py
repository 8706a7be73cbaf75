"""The marks in one row of large buttons, as wide as the screen and at its lower edge: for keys, mouse and thumb."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from engine.store.records import MARKS, SKIP
from engine.strings import text
from pages.shared.keys import SCREENS

KEYS = SCREENS["review"]
ICONS = {"relevant": "check_circle", "partly": "contrast", "irrelevant": "cancel", SKIP: "skip_next"}


def draw_marks(place: object, press: Callable[[str], None], names: Sequence[str] = MARKS) -> None:
    """Draw a button per mark. place : names the pair, so that no press rates two; press : is called with the mark"""
    with st.container(horizontal=True, wrap=False, gap="small", key="review-marks"):
        for name in names:
            st.button(
                text(f"mark.{name}"),
                key=f"mark-{name}-{place}",
                shortcut=KEYS[name],
                icon=f":material/{ICONS[name]}:",
                on_click=press,
                args=(name,),
                width="stretch",
            )
