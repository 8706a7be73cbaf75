"""The figure of the map: a colour and a shape per group; the browser draws it, zooms, lassos and asks for pictures."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import streamlit as st

from engine.drawing.palette import colours
from engine.errors import CasebindError
from engine.map.place import QueryPlace
from engine.map.points import NONE, OTHER
from engine.modalities import MODALITIES
from engine.retrieval import wording
from engine.strings import language, number, section, several, text
from pages.map.state import MapView
from pages.shared import content
from pages.shared.viewer import browser

STYLES = ("common/style.css", "map/map.css")
KEY = "map-figure"
HEIGHT = "clamp(420px, calc(100vh - 300px), 900px)"
HUES = ("orange", "sky", "green", "vermillion", "blue", "purple", "yellow")
SHAPES = ("circle", "square", "triangle_up", "diamond", "cross", "star", "triangle_down")
REST = {OTHER: "circle_open", NONE: "x_thin_open"}
CIRCLE = "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z"
MARKS = {
    "circle": CIRCLE,
    "square": "M-.85-.85h1.7v1.7h-1.7z",
    "triangle_up": "M0-1.2L1.04.6H-1.04z",
    "diamond": "M0-1.15L1.15 0L0 1.15L-1.15 0z",
    "cross": "M-.4-1h.8v.6h.6v.8h-.6v.6h-.8v-.6h-.6v-.8h.6z",
    "star": "M0-1.25L.29-.4L1.19-.39L.48.15L.73 1.01L0 .5L-.73 1.01L-.48.15L-1.19-.39L-.29-.4z",
    "triangle_down": "M0 1.2L1.04-.6H-1.04z",
    "circle_open": CIRCLE,
    "x_thin_open": "M-.8-.8L.8.8M-.8.8L.8-.8",
}


def name_of(group: str, by: str) -> str:
    """Return a group's name in words."""
    if group in (OTHER, NONE):
        return text(f"map.group_{group}")
    if by == "modality":
        return text(f"modality.{group}") if group in MODALITIES else group
    return wording.finding(group) if by == "finding" else group


def shape_of(index: int, group: str) -> str:
    """Return the name of a group's shape."""
    return REST.get(group, SHAPES[index % len(SHAPES)])


def draw_figure(map_view: MapView, by: str, passing: np.ndarray, query: QueryPlace | None, looked: str) -> Any:
    """Draw the points at the indices `passing` and the query; return what was drawn around or looked at since.

    looked : id of the study whose picture the browser asked for last
    """
    component = browser.component("map", "map/map.js", STYLES)
    points = _points((map_view.key, language()), _map_view=map_view, by=by, passing=passing.tobytes())
    shown = {
        "key": KEY,
        "height": HEIGHT,
        "url": browser.address(points, KEY),
        "alt": alternative(map_view, by, passing, query is not None),
        "words": section("map_figure"),
        "query": None if query is None else _query(query),
        "pictures": _pictures(map_view, looked),
        "outline": map_view.outline,
    }
    return component(key=KEY, data=shown, on_outline_change=_noted, on_looked_change=_noted)


def _noted() -> None:
    """Let a gesture rerun the page; what it drew stands in the result."""


@st.cache_data(max_entries=8, show_spinner=False)
def _points(key: Any, *, _map_view: MapView, by: str, passing: bytes) -> bytes:
    """Return the points of one view, packed for the browser."""
    points, indices = _map_view.points, np.frombuffer(passing, np.int64)
    names, of = _map_view.groups(by)
    kinds, kind = np.unique(points.modality[indices].astype(str), return_inverse=True)
    labels = [wording.labels(points.labels[index]) for index in indices]
    known, label = np.unique(labels, return_inverse=True) if labels else (np.empty(0, str), np.empty(0, int))
    xy = points.xy.astype(float).round(3)
    low, high = (xy.min(0), xy.max(0)) if len(xy) else (np.zeros(2), np.ones(2))
    made = {
        "x": xy[indices, 0].tolist(),
        "y": xy[indices, 1].tolist(),
        "extent": [[low[0], high[0]], [low[1], high[1]]],
        "of": of[indices].tolist(),
        "ids": points.take(indices),
        "kind": kind.tolist(),
        "kinds": [text(f"modality_one.{one}") for one in kinds],
        "label": label.tolist(),
        "labels": [str(one) for one in known],
        "synthetic": points.synthetic[indices].tolist(),
        "groups": [
            {"path": MARKS[shape_of(at, group)], "colour": _colour(at, group)} for at, group in enumerate(names)
        ],
    }
    return browser.packed(json.dumps(made).encode(), KEY)


def _colour(index: int, group: str) -> str:
    return "" if group in REST else str(colours()["okabe_ito"][HUES[index % len(HUES)]])


def _query(query: QueryPlace) -> dict[str, Any]:
    x, y = (float(one) for one in query.xy)
    return {"x": x, "y": y, "near": list(query.near), "name": text("map.query")}


def _pictures(map_view: MapView, looked: str) -> list[dict[str, str]]:
    """Return the small picture of one study, or its words; none of a study that is not on the map."""
    index = map_view.points.index_of.get(looked)
    if index is None:
        return []
    try:
        picture, words = content.small_picture(looked)
    except CasebindError:  # withdrawn since the map was drawn
        return []
    if map_view.points.modality[index] == "text":
        return [{"id": looked, "picture": "", "alt": content.shortened(words, 120)}]
    address = picture if picture.startswith("data:") else f"data:image/svg+xml,{quote(picture)}"
    return [{"id": looked, "picture": address, "alt": words}]


def draw_legend(map_view: MapView, by: str, passing: np.ndarray) -> None:
    """Draw the groups with their shapes, colours and numbers of studies."""
    names, of = map_view.groups(by)
    shown = []
    for at, group in enumerate(names):
        n = int((of[passing] == at).sum())
        if n:
            mark = f'<svg width="14" height="14" viewBox="-1.5 -1.5 3 3" aria-hidden="true">{_mark(at, group)}</svg>'
            shown.append(f'<li>{mark} {html.escape(name_of(group, by))} <span class="n">{number(n)}</span></li>')
    st.html(f'<ul class="map-legend">{"".join(shown)}</ul>')


def _mark(index: int, group: str) -> str:
    """Return one shape as SVG, as the browser draws it on the map."""
    path = MARKS[shape_of(index, group)]
    filled = f'fill="{_colour(index, group)}"' if group not in REST else 'fill="none"'
    return f'<path d="{path}" {filled} stroke="currentColor" stroke-width=".22"/>'


def numbers(map_view: MapView, by: str, passing: np.ndarray) -> pd.DataFrame:
    """Return a row per group: name, shape, studies, share, the middle of the group on the map."""
    names, of = map_view.groups(by)
    rows = []
    for at, group in enumerate(names):
        mine = passing[of[passing] == at]
        if len(mine):
            x, y = np.median(map_view.points.xy[mine], axis=0)
            share = f"{100 * len(mine) / len(passing):.0f}"
            shape = text(f"map.shape_{shape_of(at, group)}")
            rows.append((name_of(group, by), shape, number(len(mine)), share, f"{x:.0f}, {y:.0f}"))
    return pd.DataFrame(rows, columns=[text(f"map.column_{one}") for one in ("group", "shape", "n", "share", "middle")])


def alternative(map_view: MapView, by: str, passing: np.ndarray, has_query: bool) -> str:
    """Return the sentence that stands for the figure."""
    names, of = map_view.groups(by)
    counts = [(name_of(group, by), int((of[passing] == at).sum())) for at, group in enumerate(names)]
    told = ", ".join(f"{name} {number(n)}" for name, n in counts if n)
    words = text("map.alt", n=number(len(passing)), by=text(f"map.by_{by}"), groups=told)
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
        n=number(fidelity.n),
    )
    words = [text("map.caveat"), figures]
    if map_view.chart.total > len(map_view.chart.ids):
        words.append(text("map.sampled", n=number(len(map_view.chart.ids)), total=number(map_view.chart.total)))
    st.markdown(f":small[{' '.join(words)}]")


def freshness_note(map_view: MapView) -> str:
    """Say how the map stands to the collection now; empty where it is fresh and whole."""
    state, n = map_view.points.state, number(len(map_view.chart.ids))
    words = [] if state.fresh else [text("map.made_on", n=n)]
    if state.added:
        words.append(several(state.added, "map.came"))
    if state.removed:
        words.append(several(state.removed, "map.gone"))
    return " ".join(words)
