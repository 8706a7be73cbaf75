"""A film to draw a box on. An image trace reports no selection, so a grid of points that nobody sees lies over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.drawing.film import grey8, stamped
from engine.study import Film
from pages.shared import film as films

POINTS = 41  # along either side; the box that is reported is the one that was dragged, not the points in it
HEIGHT_PX = 460
SENT_PX = 700


def film_with_box(film: Film, percents: Sequence[int], stamp: str = "") -> go.Figure:
    """Return the film with the box (left, top, right, bottom), per cent, drawn on it; dragging selects a box.

    stamp : a word for the upper right corner of the film, "" for none
    """
    height, width = film.pixels.shape[:2]
    source = films.png(stamped(grey8(film, SENT_PX), stamp))
    at = np.linspace(0, 100, POINTS)
    x, y = (axis.ravel() for axis in np.meshgrid(at, at))
    figure = go.Figure(go.Scattergl(x=x, y=y, mode="markers", marker={"size": 6, "opacity": 0}, hoverinfo="skip"))
    figure.add_layout_image(
        source=source, x=0, y=0, sizex=100, sizey=100, xref="x", yref="y", sizing="stretch", layer="below"
    )
    for colour, line in (("black", 5), ("white", 2)):
        left, top, right, bottom = percents
        figure.add_shape(type="rect", x0=left, x1=right, y0=top, y1=bottom, line={"color": colour, "width": line})
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_layout(
        dragmode="select",
        height=HEIGHT_PX,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        paper_bgcolor="black",
        plot_bgcolor="black",
        newselection={"line": {"color": "white"}},
        xaxis={**axis, "range": [0, 100]},
        yaxis={**axis, "range": [100, 0], "scaleanchor": "x", "scaleratio": height / width},
    )
    return figure


def selected(event: Any) -> tuple[int, int, int, int] | None:
    """Return the box of a selection event as (left, top, right, bottom), per cent; None where none was dragged."""
    boxes = (event or {}).get("selection", {}).get("box") or []
    if not boxes:
        return None
    x, y = sorted(boxes[-1]["x"]), sorted(boxes[-1]["y"])
    left, top, right, bottom = (min(100, max(0, round(float(one)))) for one in (x[0], y[0], x[1], y[1]))
    return left, top, right, bottom
