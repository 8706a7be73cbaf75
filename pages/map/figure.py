"""The figure of the map: a colour and a shape per group, drawn as SVG so that it needs no WebGL."""

from __future__ import annotations

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from engine.findings import phrase
from engine.map.points import NONE, OTHER, Points
from engine.study import MODALITIES
from pages.map.state import Shown
from pages.shared.strings import several, text
from pages.shared.theme import browser_theme, colours

HUES = ("orange", "sky", "green", "vermillion", "blue", "purple", "yellow")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "star", "triangle-down")
REST = {OTHER: "circle-open", NONE: "x-thin-open"}
DRAWN = 900  # points at most; every one is an element of the page, and a lasso takes in those not drawn as well
HEIGHT = 620
SEED = 0


def name_of(group: str, by: str) -> str:
    """Return a group's name in words."""
    if group in (OTHER, NONE):
        return text(f"map.group_{group}")
    if by == "modality":
        return text(f"modality.{group}") if group in MODALITIES else group
    return phrase(group) if by == "finding" else group


def shape_of(at: int, group: str) -> str:
    """Return plotly's name of a group's shape."""
    return REST.get(group, SHAPES[at % len(SHAPES)])


def drawn_places(passing: np.ndarray) -> np.ndarray:
    """Return the places that are drawn: all, or a random sample that is the same every time."""
    if len(passing) <= DRAWN:
        return passing
    return np.sort(np.random.default_rng(SEED).permutation(passing)[:DRAWN])


def figure(shown: Shown, by: str, passing: np.ndarray, mark: np.ndarray | None) -> go.Figure:
    """Return the figure of the points at the places `passing`, and of the query at `mark` (2,)."""
    names, of = shown.groups(by)
    places = drawn_places(passing)
    figure = go.Figure()
    for at, group in enumerate(names):
        mine = places[of[places] == at]
        n = int((of[passing] == at).sum())
        if n:
            figure.add_trace(_trace(shown.points, mine, f"{name_of(group, by)} ({n:,})", at, group))
    if mark is not None:
        figure.add_trace(_query(mark))
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


def _trace(points: Points, places: np.ndarray, name: str, at: int, group: str) -> go.Scatter:
    ink = _ink()
    rest = group in REST
    colour = ink if rest else colours()["okabe_ito"][HUES[at % len(HUES)]]
    return go.Scatter(
        x=points.xy[places, 0],
        y=points.xy[places, 1],
        mode="markers",
        name=name,
        hoverinfo="text",
        hovertext=[_hover(points, place) for place in places],
        marker={
            "symbol": shape_of(at, group),
            "color": colour,
            "size": 6 if rest else 7,
            "opacity": 0.55 if rest else 0.85,
            "line": {"width": 1 if rest else 0.5, "color": ink},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0.25}},
    )


def _query(mark: np.ndarray) -> go.Scatter:
    """Return the query's mark, a large ring with a cross, and its name beside it."""
    return go.Scatter(
        x=[float(mark[0])],
        y=[float(mark[1])],
        mode="markers+text",
        name=text("map.query"),
        hoverinfo="name",
        text=[text("map.query")],
        textposition="top center",
        textfont={"color": _ink(), "size": 14},
        marker={"symbol": "circle-cross-open", "size": 20, "color": _ink(), "line": {"width": 2.5}},
    )


def _ink() -> str:
    return str(colours()["paper"][browser_theme()]["ink"])


def _hover(points: Points, place: int) -> str:
    """Return what the pointer says about one study, as safe HTML."""
    kind = text(f"modality_one.{points.modality[place]}")
    labels = html.escape(", ".join(points.labels[place]) or text("card.no_labels"))
    mark = f" · {text('card.synthetic')}" if points.synthetic[place] else ""
    return f"{html.escape(str(points.ids[place]))}<br>{kind}{mark}<br>{labels}"


def numbers(shown: Shown, by: str, passing: np.ndarray) -> pd.DataFrame:
    """Return a row per group: name, shape, studies, share, the middle of the group on the map."""
    names, of = shown.groups(by)
    rows = []
    for at, group in enumerate(names):
        mine = passing[of[passing] == at]
        if len(mine):
            x, y = np.median(shown.points.xy[mine], axis=0)
            share = f"{100 * len(mine) / len(passing):.0f}"
            shape = text(f"map.shape_{shape_of(at, group).replace('-', '_')}")
            rows.append((name_of(group, by), shape, f"{len(mine):,}", share, f"{x:.0f}, {y:.0f}"))
    return pd.DataFrame(rows, columns=[text(f"map.column_{one}") for one in ("group", "shape", "n", "share", "middle")])


def alternative(shown: Shown, by: str, passing: np.ndarray, marked: bool) -> str:
    """Return the sentence that stands for the figure."""
    names, of = shown.groups(by)
    counts = [(name_of(group, by), int((of[passing] == at).sum())) for at, group in enumerate(names)]
    told = ", ".join(f"{name} {n:,}" for name, n in counts if n)
    words = text("map.alt", n=f"{len(passing):,}", by=text(f"map.by_{by}").lower(), groups=told)
    return f"{words} {text('map.alt_query')}" if marked else words


def draw_caveat(shown: Shown) -> None:
    """Draw what a map does not say, and how much it keeps."""
    kept = shown.chart.kept
    figures = text(
        "map.kept",
        k=kept.k,
        share=f"{100 * kept.share:.0f}",
        chance=f"{100 * kept.chance:.1f}",
        trust=f"{kept.trustworthiness:.3f}",
        n=f"{kept.n:,}",
    )
    words = [text("map.caveat"), figures]
    if shown.chart.total > len(shown.chart.ids):
        words.append(text("map.sampled", n=f"{len(shown.chart.ids):,}", total=f"{shown.chart.total:,}"))
    st.markdown(f":small[{' '.join(words)}]")


def standing(shown: Shown) -> str:
    """Say how the map stands to the collection now; empty where it is fresh and whole."""
    state, n = shown.points.state, f"{len(shown.chart.ids):,}"
    words = [] if state.fresh else [text("map.made_on", n=n)]
    if state.came:
        words.append(several(state.came, "map.came"))
    if state.gone:
        words.append(several(state.gone, "map.gone"))
    return " ".join(words)
