"""What a query costs in energy, as it was recorded for the release."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine.evaluate.recorded import recorded
from engine.settings import grid_grams_per_kwh
from engine.strings import number, text
from pages.shared import plain_table, resources
from pages.shared.markdown import escaped


def draw_energy() -> None:
    """Draw Wh of a thousand queries by kind, beside dense retrieval; nothing where none was recorded."""
    found = recorded(resources.release(), "energy", or_of_base=True)
    if found is None:
        return
    measured, grid = found.measured, grid_grams_per_kwh()
    with st.container(border=True, key="about-energy"):
        st.subheader(text("energy.title"), anchor=False)
        plain_table.draw(pd.DataFrame(_rows(measured, grid)))
        st.markdown(_beside_dense(measured))
        st.markdown(text("energy.training", wh=_number(measured["training"].get("wh"))))
        how = text(f"energy.{measured['how']}")
        error = f"{100 * measured['error']:.0f}"
        said = [
            text(f"energy.lead_{measured['how']}", how=how, method=escaped(measured["method"]), error=error),
            *([] if grid is not None else [text("energy.no_grid")]),
            text("energy.day", command=escaped(found.command), date=found.date),
        ]
        st.markdown(f":small[{' '.join(said)}]")


def _rows(measured: dict[str, Any], grid: float | None) -> list[dict[str, str]]:
    maps = {one["of"]: one["wh_per_1000"]["value"] for one in measured["stages"] if one["stage"] == "explain"}
    rows = []
    for one in measured["queries"]:
        wh = one["wh_per_1000"]
        interval = text("agreement.interval", low=_number(wh["low"]), high=_number(wh["high"]))
        row = {
            text("energy.what"): text("energy.words") if one["of"] == "text" else text(f"modality.{one['of']}"),
            text("energy.wh"): f"{_number(wh['value'])} ({interval})",
            text("energy.map"): _number(maps.get(one["of"])),
        }
        if grid is not None:
            row[text("energy.grams")] = _number(wh["value"] / 1000 * grid)
        rows.append(row)
    return rows


def _beside_dense(measured: dict[str, Any]) -> str:
    joules = {one["of"]: one["joules"]["value"] for one in measured["stages"] if one["stage"] == "search"}
    there = measured["collection"]
    return text(
        "energy.dense",
        studies=number(there["studies"]),
        codes=_number(joules["codes"]),
        dense=_number(joules["dense float"]),
        code_mb=_number(there["code_bytes"] / 1e6),
        dense_mb=_number(there["dense_bytes"] / 1e6),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}" if value < 100 else number(round(value))
