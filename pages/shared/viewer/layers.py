"""Charts over pictures that can change without the chart being drawn anew, so that zoom and rulers stay.

Streamlit mounts a chart again whenever its figure changes, which loses zoom and drawn lines. A figure here holds only a
blank picture; what it shows is a hidden image beside it, and a small script keeps the two equal in the browser.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.shared import film

# What is seen where the script could not run, and where there is no overlay: one can come and go with zoom and calipers
# kept.
BLANK = film.png(np.zeros((1, 1, 4), np.uint8))
QUICK = 1  # compression of pictures that change while a slider is moved
SCRIPT = """
window.casebindLayers ??= setInterval(() => {
  for (const box of document.querySelectorAll('[class*="st-key-layer-"]')) {
    const name = [...box.classList].find(c => c.startsWith('st-key-layer-')).slice(13)
    const shown = document.querySelectorAll('.st-key-plot-' + name + ' .js-plotly-plot image')
    box.querySelectorAll('img').forEach((from, i) => {
      if (shown[i] && shown[i].getAttribute('xlink:href') !== from.src)
        shown[i].setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', from.src)
    })
  }
}, 120)
"""
BUTTONS = {
    "displayModeBar": True,
    "modeBarButtons": [["pan2d", "drawline", "eraseshape"], ["zoom2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    "doubleClick": "reset",
    "edits": {"shapePosition": True},
}


class Rectangle(NamedTuple):
    """A place in a panel, in its axes' units."""

    left: float
    top: float
    width: float
    height: float


def add_layer(figure: go.Figure, panel: int, place: Rectangle, layer: str) -> None:
    """Put a blank picture into a panel (0, 1, …) of the figure; `layer` is "above" or "below" its curves."""
    number = "" if panel == 0 else str(panel + 1)
    figure.add_layout_image(
        source=BLANK,
        xref=f"x{number}",
        yref=f"y{number}",
        x=place.left,
        y=place.top,
        sizex=place.width,
        sizey=place.height,
        xanchor="left",
        yanchor="top",
        sizing="stretch",
        layer=layer,
    )


def chart(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    pictures: list[str],
    pictures_alt: str,
    ratio: float | None = None,
    max_height: str | None = None,
    scroll: bool = False,
) -> None:
    """Draw the figure and the pictures that its blank ones stand for, in their order.

    pictures      : SVG, or PNG as `data:` addresses
    pictures_alt  : text alternative of the pictures
    ratio         : width by height of the whole figure; None keeps the figure's own height
    max_height    : that the figure takes at most, a CSS length
    """
    rules = f"aspect-ratio: {ratio:.4f};" if ratio else ""
    rules += f" max-height: {max_height};" if max_height else ""
    with st.container(key=f"plot-{key}"):
        st.plotly_chart(
            figure,
            key=f"{key}-chart",
            theme=None,
            alt=alt,
            height="stretch" if ratio else "content",
            config={**BUTTONS, "scrollZoom": scroll},
        )
    if rules:
        st.html(f"<style>.st-key-plot-{key} {{ {rules} }}</style>")
    with st.container(key=f"layer-{key}"):
        for picture in pictures:
            st.image(picture, alt=pictures_alt)
    if pictures:
        st.html(f"<script>{SCRIPT}</script>", unsafe_allow_javascript=True)
