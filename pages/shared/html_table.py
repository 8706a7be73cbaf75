"""A table as plain HTML: every row has a heading cell, and some rows stand out by weight, not by colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st


def draw_html_table(heads: Sequence[str], rows: Sequence[Sequence[str]], strong: Sequence[bool] = ()) -> None:
    """Draw rows under heads. strong : which rows stand out; none where it is left out"""
    loud = strong or [False] * len(rows)
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(_row(row, stands_out) for row, stands_out in zip(rows, loud, strict=True))
    st.html(f'<table class="plain gate"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def _row(cells: Sequence[str], strong: bool) -> str:
    first, *rest = (escape(one) for one in cells)
    kind = ' class="strong"' if strong else ""
    return f'<tr{kind}><th scope="row">{first}</th>{"".join(f"<td>{one}</td>" for one in rest)}</tr>'
