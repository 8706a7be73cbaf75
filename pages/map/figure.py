"""The figure of the map: a colour and a shape per group, drawn as SVG so that it needs no WebGL."""

from __future__ import annotations

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from engine.drawing.palette import colours
from engine.findings import phrase
from engine.map.points import NONE, OTHER, Points
from engine.modalities import MODALITIES
from engine.strings import several, text
from pages.map.state import MapView
from pages.shared.theme import browser_paper

HUES = ("orange", "sky", "green", "vermillion", "blue", "purple", "yellow")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "star", "triangle-down")
REST = {OTHER: "circle-open", NONE: "x-thin-open"}
MAX_POINTS = 900  # points at most; every one is an element of the page, and a lasso takes in those not drawn as well
HEIGHT = 620
SEED = 0


def name_of(group: str, by: str) -> str:
    """Return a group's name in words."""
    if group in (OTHER, NONE):
        return text(f"map.group_{group}")
    if by == "modality":
        return text(f"modality.{group}") if group in MODALITIES else group
    return phrase(group) if by == "finding" else group


def shape_of(index: int, group: str) -> str:
    """Return plotly's name of a group's shape."""
    return REST.get(group, SHAPES[index % len(SHAPES)])


def sampled_indices(passing: np.ndarray) -> np.ndarray:
    """Return the places that are drawn: all, or a random sample that is the same every time."""
    if len(passing) <= MAX_POINTS:
        return passing
    return np.sort(np.random.default_rng(SEED).permutation(passing)[:MAX_POINTS])


def map_figure(map_view: MapView, by: str, passing: np.ndarray, query_xy: np.ndarray | None) -> go.Figure:
    """Return the figure of the points at the places `passing`, and of the query at `mark` (2,)."""
    names, of = map_view.groups(by)
    places = sampled_indices(passing)
    figure = go.Figure()
    for at, group in enumerate(names):
        mine = places[of[places] == at]
        n = int((of[passing] == at).sum())
        if n:
            figure.add_trace(_trace(map_view.points, mine, f"{name_of(group, by)} ({n:,})", at, group))
    if query_xy is not None:
        figure.add_trace(_query(query_xy))
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="lasso",
        uirevision="map",
        legend={"orientation": "h", "y": -0.01, "yanchor": "top", "itemsizing": "constant"},
        hoverlabel={"align": "left"},
    )
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    return figure


def _trace(points: Points, indices: np.ndarray, name: str, index: int, group: str) -> go.Scatter:
    ink = _ink()
    rest = group in REST
    colour = ink if rest else colours()["okabe_ito"][HUES[index % len(HUES)]]
    return go.Scatter(
        x=points.xy[indices, 0],
        y=points.xy[indices, 1],
        mode="markers",
        name=name,
        hoverinfo="text",
        hovertext=[_hover(points, place) for place in indices],
        marker={
            "symbol": shape_of(index, group),
            "color": colour,
            "size": 6 if rest else 7,
            "opacity": 0.55 if rest else 0.85,
            "line": {"width": 1 if rest else 0.5, "color": ink},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0.25}},
    )


def _query(query_xy: np.ndarray) -> go.Scatter:
    """Return the query's mark, a large ring with a cross, and its name beside it."""
    return go.Scatter(
        x=[float(query_xy[0])],
        y=[float(query_xy[1])],
        mode="markers+text",
        name=text("map.query"),
        hoverinfo="name",
        text=[text("map.query")],
        textposition="top center",
        textfont={"color": _ink(), "size": 14},
        marker={"symbol": "circle-cross-open", "size": 20, "color": _ink(), "line": {"width": 2.5}},
    )


def _ink() -> str:
    return browser_paper().ink


def _hover(points: Points, index: int) -> str:
    """Return what the pointer says about one study, as safe HTML."""
    kind = text(f"modality_one.{points.modality[index]}")
    labels = html.escape(", ".join(points.labels[index]) or text("card.no_labels"))
    mark = f" · {text('card.synthetic')}" if points.synthetic[index] else ""
    return f"{html.escape(str(points.ids[index]))}<br>{kind}{mark}<br>{labels}"


def numbers(map_view: MapView, by: str, passing: np.ndarray) -> pd.DataFrame:
    """Return a row per group: name, shape, studies, share, the middle of the group on the map."""
    names, of = map_view.groups(by)
    rows = []
    for at, group in enumerate(names):
        mine = passing[of[passing] == at]
        if len(mine):
            x, y = np.median(map_view.points.xy[mine], axis=0)
            share = f"{100 * len(mine) / len(passing):.0f}"
            shape = text(f"map.shape_{shape_of(at, group).replace('-', '_')}")
            rows.append((name_of(group, by), shape, f"{len(mine):,}", share, f"{x:.0f}, {y:.0f}"))
    return pd.DataFrame(rows, columns=[text(f"map.column_{one}") for one in ("group", "shape", "n", "share", "middle")])


def alternative(map_view: MapView, by: str, passing: np.ndarray, has_query: bool) -> str:
    """Return the sentence that stands for the figure."""
    names, of = map_view.groups(by)
    counts = [(name_of(group, by), int((of[passing] == at).sum())) for at, group in enumerate(names)]
    told = ", ".join(f"{name} {n:,}" for name, n in counts if n)
    words = text("map.alt", n=f"{len(passing):,}", by=text(f"map.by_{by}").lower(), groups=told)
    return f"{words} {text('map.alt_query')}" if has_query else words


def draw_caveat(map_view: MapView) -> None:
    """Draw what a map does not say, and how much it keeps."""
    fidelity = map_view.chart.fidelity
    figures = text(
        "map.kept",
        k=fidelity.k,
        share=f"{100 * fidelity.share:.0f}",
        chance=f"{100 * fidelity.chance:.1f}",
        trust=f"{fidelity.trustworthiness:.3f}",
        n=f"{fidelity.n:,}",
    )
    words = [text("map.caveat"), figures]
    if map_view.chart.total > len(map_view.chart.ids):
        words.append(text("map.sampled", n=f"{len(map_view.chart.ids):,}", total=f"{map_view.chart.total:,}"))
    st.markdown(f":small[{' '.join(words)}]")


def freshness_note(map_view: MapView) -> str:
    """Say how the map stands to the collection now; empty where it is fresh and whole."""
    state, n = map_view.points.state, f"{len(map_view.chart.ids):,}"
    words = [] if state.fresh else [text("map.made_on", n=n)]
    if state.added:
        words.append(several(state.added, "map.came"))
    if state.removed:
        words.append(several(state.removed, "map.gone"))
    return " ".join(words)
