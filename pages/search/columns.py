"""The two columns of an answered query: a narrow rail that stays in sight, and the answer beside it."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

RAIL_PX = 260


def draw_columns() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the rail and the place of the answer; on a narrow window the rail stands over it."""
    with st.container(horizontal=True, key="search-columns", gap="medium", wrap=False):
        return st.container(key="query-rail", width=RAIL_PX), st.container(key="answer", width="stretch")
