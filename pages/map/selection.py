"""The studies chosen on the map: how many, labelled as what, and a card each."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from engine.map.points import Points
from engine.map.selection import common_labels
from engine.modalities import MODALITIES
from engine.retrieval import wording
from engine.strings import number, several, text
from engine.teaching import collections
from pages.map import state
from pages.shared import case_card, collect, content
from pages.shared.markdown import escaped

INITIAL_CARDS, MORE_CARDS, MAX_TABLE_ROWS = 8, 16, 1000  # cards at first, cards more per click, rows of the table
CARD_PX = 230


def draw_selection(points: Points, selected_by: str, indices: np.ndarray, near: str) -> None:
    """Draw what is chosen, or how to choose."""
    st.header(text("map.chosen"), anchor=False)
    if selected_by == "nothing":
        st.markdown(text("map.chosen_none"))
        return
    head, clear = st.columns([4, 1], vertical_alignment="center")
    head.markdown(
        f"**{several(len(indices), f'map.chosen_{selected_by}', study=escaped(near))}** {_kinds(points, indices)}"
    )
    if selected_by in ("lasso", "box"):
        clear.button(text("map.clear"), key="map-clear", on_click=state.forget_outline)
    if not len(indices):
        st.markdown(text("map.chosen_empty"))
        return
    with st.container(horizontal=True, vertical_alignment="center", key="map-collect-bar"):
        collect.draw_collect_many(points.take(indices[: collections.MAX_ADDED]), key="map-collect")
        _filter_search(points, indices)
        collect.draw_collected()
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.table(_by_finding(points, indices), hide_index=True)
    with right, st.expander(text("map.table", n=min(len(indices), MAX_TABLE_ROWS))):
        st.dataframe(_rows(points, indices[:MAX_TABLE_ROWS]), hide_index=True, alt=text("map.table_alt"))
    _cards(points, indices)


def _filter_search(points: Points, indices: np.ndarray) -> None:
    """Draw the button that searches only studies of these kinds that carry the labels most of the chosen have."""
    labels = common_labels(points, indices)
    if not labels:
        return
    kinds = [name for name in MODALITIES if name in set(points.modality[indices])]
    if st.button(
        text("map.filter", kinds=", ".join(text(f"modality.{name}") for name in kinds)),
        key="map-filter",
        icon=":material/filter_alt:",
        help=text("map.filter_help", labels=", ".join(map(wording.label, labels))),
    ):
        shown = {"query": state.query_shown()} if state.query_shown() else {}
        st.switch_page("pages/search/page.py", query_params={**shown, "into": kinds, "labels": labels})


def _kinds(points: Points, indices: np.ndarray) -> str:
    counts = Counter(points.modality[indices])
    shown = [f"{text(f'modality.{name}')} {number(counts[name])}" for name in MODALITIES if counts[name]]
    return ", ".join(shown)


def _by_finding(points: Points, indices: np.ndarray) -> pd.DataFrame:
    """Return findings of the chosen studies, most frequent first; a study may have several."""
    counts = Counter(wording.finding(name) for place in indices for name in points.findings[place])
    bare = sum(not points.findings[place] for place in indices)
    rows = [(name, number(n)) for name, n in counts.most_common(8)]
    rows += [(text("map.no_finding"), number(bare))] if bare else []
    return pd.DataFrame(rows, columns=[text("map.column_finding"), text("map.column_n")])


def _rows(points: Points, indices: np.ndarray) -> pd.DataFrame:
    """Return a row per chosen study."""
    rows = [
        (
            str(points.ids[place]),
            text(f"modality_one.{points.modality[place]}"),
            wording.labels(points.labels[place]),
            str(points.cohort[place]),
            text("card.synthetic") if points.synthetic[place] else "",
            round(float(points.xy[place, 0]), 1),
            round(float(points.xy[place, 1]), 1),
        )
        for place in indices
    ]
    names = ("study", "kind", "labels", "cohort", "synthetic", "x", "y")
    return pd.DataFrame(rows, columns=[text(f"map.column_{name}") for name in names])


def _cards(points: Points, indices: np.ndarray) -> None:
    """Draw the first cards, and the button for more."""
    most = st.session_state.get("map-most", INITIAL_CARDS)
    grid = st.grid(min_column_width=CARD_PX, border=True)
    for at, place in enumerate(indices[:most]):
        with grid.cell():
            _card(points, int(place), at + 1)
    left = len(indices) - most
    if left > 0:
        st.button(
            text("map.more", n=min(left, MORE_CARDS), left=number(left)),
            key="map-more",
            type="tertiary",
            on_click=_show_more,
        )


def _show_more() -> None:
    st.session_state["map-most"] = st.session_state.get("map-most", INITIAL_CARDS) + MORE_CARDS


def _card(points: Points, index: int, number: int) -> None:
    """Draw one study: kind, picture, labels, and what can be done with it."""
    study_id, modality = str(points.ids[index]), str(points.modality[index])
    mark = case_card.synthetic_badge(points.synthetic[index])
    st.markdown(f"{text(f'icon.{modality}')} {text(f'modality_one.{modality}')}{mark}")
    content.draw_thumbnail(study_id, modality, text("map.study", n=number))
    labels = wording.labels(points.labels[index])
    st.markdown(f"**{escaped(labels)}**  \n:small[{escaped(study_id)} · {escaped(points.cohort[index])}]")
    _actions(study_id, number)


def _actions(study_id: str, number: int) -> None:
    """Draw the buttons of one study; whatever else can be done with a study belongs in this row."""
    with st.container(horizontal=True, gap="small"):
        help_ = text("map.search_help", n=number)
        if st.button(text("map.search"), key=f"map-search-{study_id}", help=help_, icon=":material/search:"):
            st.switch_page("pages/search/page.py", query_params={"query": study_id})
