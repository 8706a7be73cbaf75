"""The viewers: films, ECGs and pulse recordings to look at and to measure.

    viewer.draw(study, key="quiz")                              one study
    viewer.draw_pair(query, match, key="compare", linked=True)  two of one modality under the same controls
    viewer.numbers(study, key="quiz")                           the table of numbers behind the figure

`key` names the viewer's controls in the session; two viewers on one page need two keys of letters, digits and dashes.
Controls rerun the viewer alone. With anonymous=True nothing is drawn that names a label, file, cohort or view, no
overlay, and no measured rate, as some labels are read straight off it; the mark of a synthetic study stays. With
shortcuts=False the controls have no keys, for screens that have keys of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import streamlit as st

from engine.study import Film, Note, Study
from pages.shared.markdown import escaped
from pages.shared.trace import is_pulse
from pages.shared.viewer import ecg_view, film_view, ppg_view
from pages.shared.viewer.numbers import draw_numbers as numbers
from pages.shared.viewer.panel import HEIGHT, Frame, Panel

__all__ = ["HEIGHT", "Panel", "draw", "draw_pair", "numbers"]


def draw(
    study: Study,
    *,
    key: str,
    overlay: np.ndarray | None = None,
    opacity: float = 0.75,
    overlay_text: str = "",
    title: str = "",
    anonymous: bool = False,
    shortcuts: bool = True,
    height: str = HEIGHT,
    study_id: str = "",
) -> None:
    """Draw one study with the controls of its kind.

    overlay : signed map in -1..1, (h, w) of a film or (leads, n) over the whole trace
    overlay_text : the overlay in words, or why there is none
    height : of the viewer, a CSS length
    study_id : the study or stored query that annotations are saved with; "" keeps them in the session
    """
    panel = Panel(study, title, overlay, opacity, overlay_text, anonymous, shortcuts, study_id)
    _draw([_panel(panel)], Frame(key, True, height))


def draw_pair(query: Panel, match: Panel, *, key: str, linked: bool = True, height: str = HEIGHT) -> None:
    """Draw two studies of one modality on one scale; linked ones zoom and pan together.

    height : of the viewer, a CSS length
    """
    _draw([_panel(query), _panel(match)], Frame(key, linked, height))


def _panel(panel: Panel) -> Panel:
    return replace(panel, overlay=None, overlay_text="") if panel.anonymous else panel


@st.fragment
def _draw(panels: list[Panel], frame: Frame) -> None:
    content = panels[0].study.content
    if isinstance(content, Note):
        for panel in panels:
            with st.container(border=True):
                st.markdown(escaped(panel.study.note.text))
        return
    drawer: Callable[[list[Panel], Frame], None] = ecg_view.draw_ecgs
    if isinstance(content, Film):
        drawer = film_view.draw_films
    elif is_pulse(content):
        drawer = ppg_view.draw_ppgs
    drawer(panels, frame)
    for panel in panels:
        if panel.overlay_text:
            said = f"{f'**{escaped(panel.title)}:** ' if panel.title else ''}{escaped(panel.overlay_text)}"
            st.markdown(f":small[{said}]" if panel.overlay is not None else f":gray-badge[:material/texture: {said}]")
