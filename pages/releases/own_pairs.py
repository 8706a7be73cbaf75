"""What an adaptation is worth: own pairs of held-out patients before and after, and the curve by number of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from engine.learning.gate import MIN_STUDIES
from engine.learning.pairing import MATCHED, YEARS
from engine.strings import number, text
from pages.shared import html_table


def draw_own_pairs(bound: dict[str, Any]) -> None:
    """Draw what the release records of its adaptation."""
    st.subheader(text("releases.own"), anchor=False)
    if not bound["own_pair"]:
        st.markdown(text("releases.own_none", least=number(MIN_STUDIES)))
        return
    st.markdown(text("releases.own_note", n=number(bound["pairs"])))
    with st.container(key="own-pairs"):
        names = ("measure", "n", "chance", "before", "now", "difference")
        rows = [_row(name, one) for name, one in bound["own_pair"].items()]
        html_table.draw_html_table([text(f"releases.column_{name}") for name in names], rows)
    beyond = {name: one for name, one in bound["own_pair"].items() if one.get("beyond_gain")}
    if beyond:
        st.markdown(f"**{text('releases.own_beyond')}**")
        st.markdown(text("releases.own_beyond_note", most=number(MATCHED), years=f"{YEARS:g}"))
        with st.container(key="own-pairs-beyond"):
            heads = [text(f"releases.column_{name}") for name in ("measure", "n", "before", "now", "difference")]
            html_table.draw_html_table(heads, [_beyond_row(name, one) for name, one in beyond.items()])
    with st.expander(text("releases.own_curve")):
        st.markdown(text("releases.own_curve_note"))
        _curve(bound["curve"])


def _row(name: str, one: dict[str, Any]) -> tuple[str, ...]:
    before, after = (_figure(one[way]["codes"]["r_at_10"]) for way in ("before", "after"))
    return _kinds(name, ">"), number(one["n"]), f"{one['chance']:.3f}", before, after, _figure(one["gain"], "+.3f")


def _beyond_row(name: str, one: dict[str, Any]) -> tuple[str, ...]:
    before, after = (_figure(one[way]["beyond"]) for way in ("before", "after"))
    return _kinds(name, ">"), number(one["matched"]), before, after, _figure(one["beyond_gain"], "+.3f")


def _curve(points: Sequence[dict[str, Any]]) -> None:
    heads = [text(f"releases.column_{name}") for name in ("measure", "pairs", "now")]
    kinds = dict.fromkeys(name for point in points for name in point["found"])
    rows = [
        (_kinds(name, "-"), number(point["found"][name]["pairs"]), _figure(point["found"][name]["r_at_10"]))
        for name in kinds
        for point in points
    ]
    html_table.draw_html_table(heads, rows)


def _kinds(name: str, between: str) -> str:
    query, target = name.split(between)
    return text("releases.pair", query=text(f"modality_one.{query}"), target=text(f"modality_plains.{target}"))


def _figure(figure: Sequence[float], form: str = ".3f") -> str:
    value, low, high = (f"{one:{form}}".replace("-", "\N{MINUS SIGN}") for one in figure)
    return f"{value} ({text('releases.span', low=low, high=high)})"
