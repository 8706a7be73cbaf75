"""About: what this is, what it is for and not for, the model card, the data with their licences, versions and keys."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

import streamlit as st

from engine.errors import CasebindError
from engine.settings import ASSETS
from engine.strings import notice, text
from pages.about import card, energy, outcomes, transparency
from pages.shared import keys
from pages.shared.markdown import said


def draw() -> None:
    """Draw a summary, then the rest folded; what needs the release or the workspace says so where one is missing."""
    st.title(text("about.title"), anchor=False)
    st.markdown(text("about.lead"))
    with st.container(border=True, key="about-summary"):
        _part(card.draw_summary)
    with st.container(key="beside"):
        left, right = st.columns([3, 2], gap="large")
    with left:
        st.header(text("about.use_title"), anchor=False)
        st.markdown(f"**{notice()}.**")
        st.markdown(text("notice.points"))
    with right:
        st.header(text("about.workspace_title"), anchor=False)
        _part(card.draw_collection)
    st.header(text("about.card_title"), anchor=False)
    with st.expander(text("about.how_title")):
        st.markdown(text("about.how"))
    with st.expander(text("about.fields_title")):
        _fields()
    _part(card.draw_release)
    _part(outcomes.draw_outcomes)
    _part(energy.draw_energy)
    _part(transparency.draw_transparency)
    with st.expander(text("keys.title")):
        keys.draw_keys()


def _part(draw_it: Any) -> None:
    """Draw a part that may be missing; say why in its place, and go on."""
    try:
        draw_it()
    except CasebindError as error:
        st.info(said(error), icon=":material/info:")


@lru_cache(maxsize=1)
def _card() -> list[dict[str, str]]:
    return tomllib.loads((ASSETS / "model_card.toml").read_text(encoding="utf-8"))["field"]


def _fields() -> None:
    """Draw the card's fields, two beside each other where there is room."""
    with st.container(key="english-fields"):  # the card is written in English, and a screen reader is told so
        grid = st.grid(2, min_column_width=420, border=True)
    for one in _card():
        with grid.cell():
            st.markdown(f"**{one['title']}**  \n{one['text']}")


draw()
