"""Charts over pictures that can change without the chart being drawn anew, so that zoom and rulers stay.

Streamlit mounts a chart again whenever its figure changes, which loses zoom and drawn lines. A figure here holds only a
blank picture; what it shows is a hidden image beside it, and a small script keeps the two equal in the browser.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from PIL import Image


def _pixel(colour: tuple[int, int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (1, 1), colour).save(out, "PNG")
    return out.getvalue()


CLEAR = _pixel((0, 0, 0, 0))  # where there is no overlay: one can come and go with zoom and calipers kept
BLANK = "data:image/png;base64," + base64.b64encode(CLEAR).decode()  # what is seen where the script could not run
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


def png(pixels: np.ndarray) -> bytes:
    """Return (h, w) or (h, w, 3) uint8 as a PNG, quickly."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def place(figure: go.Figure, panel: int, left: float, top: float, width: float, height: float, layer: str) -> None:
    """Put a blank picture into a panel (0, 1, …) of the figure, in its axes' units."""
    number = "" if panel == 0 else str(panel + 1)
    figure.add_layout_image(
        source=BLANK, xref=f"x{number}", yref=f"y{number}", x=left, y=top, sizex=width, sizey=height,
        xanchor="left", yanchor="top", sizing="stretch", layer=layer,
    )  # fmt: skip


def chart(figure: go.Figure, *, key: str, alt: str, pictures: list[bytes | str], words: str, ratio: float | None = None,
          tallest: int | None = None, scroll: bool = False) -> None:  # fmt: skip
    """Draw the figure and the pictures that its blank ones stand for, in their order.

    pictures : PNG bytes or SVG
    words    : text alternative of the pictures
    ratio    : width by height of the whole figure; None keeps the figure's own height
    tallest  : per cent of the window's height that the figure takes at most
    """
    rules = f"aspect-ratio: {ratio:.4f};" if ratio else ""
    rules += f" max-height: {tallest}vh;" if tallest else ""
    with st.container(key=f"plot-{key}"):
        st.plotly_chart(
            figure, key=f"{key}-chart", theme=None, alt=alt, height="stretch" if ratio else "content",
            config={**BUTTONS, "scrollZoom": scroll},
        )  # fmt: skip
    if rules:
        st.html(f"<style>.st-key-plot-{key} {{ {rules} }}</style>")
    with st.container(key=f"layer-{key}"):
        for picture in pictures:
            st.image(picture, alt=words)
    if pictures:
        st.html(f"<script>{SCRIPT}</script>", unsafe_allow_javascript=True)
