"""The numbers behind a viewer's figure, as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine.strings import text
from engine.study import Film, Study, Trace
from pages.shared import trace
from pages.shared.viewer import ecg_view, ppg_view
from pages.shared.viewer.panel import Panel


def draw_numbers(study: Study, key: str, *, anonymous: bool = False) -> None:
    """Draw the expander with the numbers; nothing for words, which are their own text. anonymous: no measured rate."""
    if isinstance(study.content, Film):
        tables = [film_table(study.content)]
    elif isinstance(study.content, Trace):
        tables = [trace.numbers(study.searched_trace), *_of_trace(Panel(study, anonymous=anonymous))]
    else:
        return
    with st.expander(text("search.numbers"), key=f"{key}-numbers"):
        for table in tables:
            st.dataframe(table, hide_index=True, alt=text("search.numbers"))


def _of_trace(panel: Panel) -> list[pd.DataFrame]:
    if trace.is_pulse(panel.study.trace):
        _, strip = ppg_view.measured(panel.token, panel.study.trace)
        return [ppg_view.table(strip)]
    if panel.anonymous:
        return []
    found = ecg_view.table(ecg_view.shown_rate(panel))
    return [] if found is None else [found]


def film_table(film: Film) -> pd.DataFrame:
    """Return size, depth, spacing and the spread of the greys."""
    low, middle, high = (int(v) for v in np.percentile(film.pixels[::4, ::4], [1, 50, 99]))
    spacing = "{:.3g} × {:.3g}".format(*film.spacing_mm) if film.spacing_mm else text("viewer.not_stated")
    rows = [
        (text("viewer.row_size"), f"{film.pixels.shape[1]} × {film.pixels.shape[0]}"),
        (text("viewer.row_bits"), str(film.bits)),
        (text("viewer.row_spacing"), spacing),
        (text("viewer.row_greys"), f"{low} · {middle} · {high}"),
    ]
    return pd.DataFrame(rows, columns=[text("viewer.what"), text("viewer.value")])
