"""The film viewer: window and level from the full bit depth, invert, zoom, pan, and a ruler in millimetres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from engine.drawing.film import alternative, stamped
from engine.strings import text
from engine.study import Film
from pages.shared import film as drawing
from pages.shared.keys import KEYS
from pages.shared.viewer import film_window, layers
from pages.shared.viewer.panel import Frame, Panel

SENT_PX = 1600  # longest side that is sent unless the full resolution is asked for
GAP = 0.01  # between two panels, share of the width
RULER = "#FFD84D"
BAR_PX = 30  # strip over the films: titles and tools, so that they hide nothing


@st.cache_data(max_entries=24, show_spinner=False)
def _histogram(token: str, _film: Film) -> np.ndarray:
    return film_window.histogram(_film)


@st.cache_data(max_entries=12, show_spinner=False)
def _scaled(token: str, max_px: int | None, _film: Film) -> np.ndarray:
    return film_window.scaled(_film, max_px)


def draw_films(panels: list[Panel], frame: Frame) -> None:
    """Draw one film, or two under the same controls; linked ones share one figure, its zoom and its scale."""
    key = frame.key
    _controls(panels, key)
    if frame.linked or len(panels) == 1:
        _figure(panels, frame)
    else:
        for i, (panel, column) in enumerate(zip(panels, st.columns(len(panels)), strict=True)):
            with column:
                _figure([panel], replace(frame, key=f"{key}-{i}"), key)
    for panel in panels:
        st.markdown(f":small[{_line(panel, key)}]")
    st.markdown(f":small[{_ruler_words(panels)}]")


def _controls(panels: list[Panel], key: str) -> None:
    """Draw presets, sliders and switches; what they hold is in the session under `key`."""
    state, first = st.session_state, panels[0]
    chosen = state.setdefault(f"{key}-preset", "full")
    if chosen in film_window.PRESETS:
        state[f"{key}-centre"], state[f"{key}-width"] = film_window.preset(
            _histogram(first.token, first.study.film), chosen
        )
    else:  # a widget that was not drawn for a while has lost its value
        state.setdefault(f"{key}-centre", 50.0)
        state.setdefault(f"{key}-width", 100.0)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"{key}-controls"):
        for name in film_window.PRESETS:
            st.button(
                text(f"viewer.window_{name}"),
                key=f"{key}-window-{name}",
                shortcut=KEYS[f"window_{name}"] if first.shortcuts else None,
                type="primary" if name == chosen else "secondary",
                help=text("viewer.window_help"),
                on_click=state.update,
                args=({f"{key}-preset": name},),
            )
        inverted = bool(state.get(f"{key}-inverted"))
        st.button(
            text("viewer.invert"),
            key=f"{key}-invert",
            icon=":material/invert_colors:",
            shortcut=KEYS["invert"] if first.shortcuts else None,
            type="primary" if inverted else "secondary",
            on_click=state.update,
            args=({f"{key}-inverted": not inverted},),
        )
        for name, low in (("centre", 0.0), ("width", film_window.MIN_WIDTH)):
            st.slider(
                text(f"viewer.{name}"),
                low,
                100.0,
                step=0.5,
                key=f"{key}-{name}",
                format="%.1f %%",
                on_change=state.update,
                args=({f"{key}-preset": "own"},),
                width=210,
            )
        if any(max(panel.study.film.pixels.shape) > SENT_PX for panel in panels):
            words = text("viewer.full_help", px=SENT_PX)
            st.toggle(text("viewer.full_resolution"), key=f"{key}-resolution", help=words)


def _window(panel: Panel, key: str) -> film_window.Window:
    """Return the panel's window: the same preset on its own greys, or the same sliders."""
    chosen = st.session_state[f"{key}-preset"]
    if chosen in film_window.PRESETS:
        return film_window.preset(_histogram(panel.token, panel.study.film), chosen)
    return st.session_state[f"{key}-centre"], st.session_state[f"{key}-width"]


def _picture(panel: Panel, key: str) -> str:
    film = panel.study.film
    longest = None if st.session_state.get(f"{key}-resolution") else SENT_PX
    pixels = _scaled(panel.token, longest, film)
    inverted = bool(st.session_state.get(f"{key}-inverted"))
    shown = film_window.shown(pixels, film.bits, _window(panel, key), inverted)
    if panel.overlay is not None:
        shown = drawing.blended(shown, panel.overlay, panel.opacity)
    return drawing.png(stamped(shown, panel.stamp), layers.QUICK)


def extent(film: Film, *, millimetres: bool) -> tuple[float, float]:
    """Return (width, height) in mm at the stated spacing, or in per cent of the film's width.

    millimetres : whether mm are wanted; they need a film that states its spacing
    """
    height, width = film.pixels.shape
    if millimetres and film.spacing_mm is not None:
        return width * film.spacing_mm[1], height * film.spacing_mm[0]
    return 100.0, 100.0 * height / width


def in_millimetres(panels: list[Panel]) -> bool:
    """Return whether every film states its spacing, so that one scale in mm holds for all."""
    return all(panel.study.film.spacing_mm for panel in panels)


def figure(panels: list[Panel]) -> tuple[go.Figure, float]:
    """Return the films side by side on matched axes with equal scale, and width by height of the whole."""
    millimetres = in_millimetres(panels)
    sizes = [extent(panel.study.film, millimetres=millimetres) for panel in panels]
    width, height = max(w for w, _ in sizes), max(h for _, h in sizes)
    drawn, share = go.Figure(), (1 - GAP * (len(panels) - 1)) / len(panels)
    for i, (w, h) in enumerate(sizes):
        number = "" if i == 0 else str(i + 1)
        left = i * (share + GAP)
        common = {"visible": False, "constrain": "domain"}
        x = {**common, "range": [0, width], "domain": [left, left + share], "anchor": f"y{number}"}
        y = {**common, "range": [-height, 0], "anchor": f"x{number}", "scaleanchor": f"x{number}"}
        if i:
            x["matches"], y["matches"] = "x", "y"
        drawn.update_layout({f"xaxis{number}": x, f"yaxis{number}": y})
        drawn.add_scatter(x=[None], y=[None], xaxis=f"x{number}", yaxis=f"y{number}", showlegend=False)
        layers.add_layer(drawn, i, layers.Rectangle((width - w) / 2, -(height - h) / 2, w, h), "below")
        _title(drawn, panels[i].title, left)
    unit = text("viewer.ruler_mm" if millimetres else "viewer.ruler_share")
    drawn.update_layout(
        paper_bgcolor="black",
        plot_bgcolor="black",
        margin={"l": 0, "r": 0, "t": BAR_PX, "b": 0},
        dragmode="pan",
        hovermode=False,
        uirevision="|".join(panel.token for panel in panels),
        modebar={"bgcolor": "black", "color": "#D5DDE5", "activecolor": RULER},
        newshape={
            "line": {"color": RULER, "width": 2},
            "label": {"texttemplate": unit, "font": {"color": RULER, "size": 15}, "textposition": "end"},
        },
    )
    return drawn, (width * len(panels)) / height


def _title(drawn: go.Figure, words: str, left: float) -> None:
    if words:
        drawn.add_annotation(
            text=words,
            xref="paper",
            yref="paper",
            x=left,
            y=1,
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            font={"color": "white", "size": 14},
        )


def _figure(panels: list[Panel], frame: Frame, controls: str = "") -> None:
    drawn, ratio = figure(panels)
    views = [None if panel.anonymous else panel.study.facts.get("view") for panel in panels]
    films = [panel.study.film for panel in panels]
    said = " ".join(alternative(film, view) for film, view in zip(films, views, strict=True))
    pictures = [_picture(panel, controls or frame.key) for panel in panels]
    overlay = " ".join(panel.overlay_text for panel in panels if panel.overlay is not None)
    layers.chart(
        drawn,
        key=frame.key,
        alt=said,
        pictures=pictures,
        pictures_alt=f"{said} {overlay}".strip(),
        ratio=ratio,
        max_height=frame.height,
        scroll=True,
    )


def _line(panel: Panel, key: str) -> str:
    """Return what is printed under a film: size, bits, spacing, window."""
    film = panel.study.film
    low, high = film_window.ends(_window(panel, key), film.bits)
    chosen = st.session_state[f"{key}-preset"]
    spacing = text("viewer.no_spacing")
    if film.spacing_mm:
        row, column = film.spacing_mm
        spacing = text("viewer.spacing", row=f"{row:.3g}", column=f"{column:.3g}")
    parts = [
        f"**{panel.title}**" if panel.title else "",
        text("viewer.film_size", width=film.pixels.shape[1], height=film.pixels.shape[0], bits=film.bits),
        spacing,
        text("viewer.window", low=low, high=high, top=2**film.bits - 1, name=text(f"viewer.window_{chosen}")),
    ]
    return " · ".join(part for part in parts if part)


def _ruler_words(panels: list[Panel]) -> str:
    return text("viewer.measure_mm" if in_millimetres(panels) else "viewer.measure_share")
