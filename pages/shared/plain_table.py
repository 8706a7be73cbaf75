"""A table as plain HTML, for many rows: Streamlit draws every cell as Markdown, a second for a hundred rows."""

from __future__ import annotations

import pandas as pd
import streamlit as st


def draw(table: pd.DataFrame) -> None:
    """Draw the columns of a table without its index; what a cell holds is shown as it is."""
    st.html(table.to_html(index=False, border=0, classes="plain", justify="unset", escape=True))
