"""The film viewer: the browser gets the greys at full depth once, and windows, zooms, turns and measures by itself."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from engine.drawing.film import alternative
from engine.strings import section, text
from engine.study import Film
from pages.shared.keys import KEYS
from pages.shared.viewer import browser, drawn, film_bytes, film_window, shown_window
from pages.shared.viewer.panel import Frame, Panel

STYLES = ("common/style.css", "film/film.css")
GROUPS = ("tool", "kind", "hint", "measured")  # of words that the browser looks up by the second part of their name
# button of the viewer → action in the list of keys
TOOLS = {
    "window": "film_window",
    "pan": "film_pan",
    "magnify": "film_magnify",
    "invert": "invert",
    "quarter": "film_turn",
    "mirror": "film_mirror",
    "fit": "film_fit",
    "ruler": "film_ruler",
    "ctr": "film_ratio",
    "angle": "film_angle",
    "arrow": "film_arrow",
    "region": "film_region",
    "text": "film_text",
    **{f"window_{name}": f"window_{name}" for name in film_window.PRESETS},
}


@st.cache_data(max_entries=12, show_spinner=False)
def _prepared(token: str, _film: Film) -> tuple[bytes, dict[str, dict[str, int]]]:
    """Return the film's packed bytes, and the greys that each preset makes black and white."""
    return browser.packed(film_bytes.film_bytes(_film), token), film_window.windows(_film)


def draw_films(panels: list[Panel], frame: Frame) -> None:
    """Draw one film, or two under the same controls; linked ones share zoom, window and scale."""
    shortcuts = panels[0].shortcuts
    component = browser.component("film", "film/film.js", STYLES)
    component(
        key=f"{frame.key}-film",
        data={
            "key": frame.key,
            "height": frame.height,
            "linked": frame.linked,
            "words": _words(),
            "keys": {tool: KEYS[action] for tool, action in TOOLS.items()} if shortcuts else {},
            "tells": shown_window.is_wanted(),
            "panels": [_panel(panel, frame.key, i) for i, panel in enumerate(panels)],
        },
        on_drawn_change=partial(drawn.take, f"{frame.key}-film", frame.key, panels),
        on_windows_change=partial(shown_window.take, f"{frame.key}-film", panels),
    )


def _words() -> dict[str, Any]:
    """Return the viewer's words; those with a common first part, such as `tool_`, as a table under `tool`."""
    words: dict[str, Any] = {"window": {name: text(f"viewer.window_{name}") for name in (*film_window.PRESETS, "own")}}
    for name, said in section("film_viewer").items():
        group, _, rest = name.partition("_")
        if group in GROUPS:
            words.setdefault(group, {})[rest] = said
        else:
            words[name] = said
    return {**words, "window_help": text("viewer.window_help")}


def _panel(panel: Panel, key: str, number: int) -> dict[str, Any]:
    film = panel.study.film
    packed, windows = _prepared(panel.token, film)
    view = None if panel.anonymous else panel.study.facts.get("view")
    spacing = text("film_viewer.no_spacing")
    if film.spacing_mm:
        row, column = film.spacing_mm
        spacing = text("film_viewer.spacing", row=f"{row:.3g}", column=f"{column:.3g}")
    height, width = film.pixels.shape[:2]
    return {
        "url": browser.address(packed, f"viewer-{key}-{number}"),
        "width": width,
        "height": height,
        "bits": film.bits,
        "spacing": film.spacing_mm,
        "title": panel.title,
        "alt": alternative(film, view),
        "stamp": panel.stamp,
        "facts": f"{text('viewer.film_size', width=width, height=height, bits=film.bits)} · {spacing}",
        "windows": windows,
        "overlay": None if panel.overlay is None else film_bytes.overlay_json(panel.overlay),
        "overlay_text": panel.overlay_text,
        "opacity": panel.opacity,
        "colours": None if panel.overlay is None else film_bytes.colours_base64(),
        **drawn.state_of(panel, key),
    }
