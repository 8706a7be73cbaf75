"""What the screen of one person over time remembers: whom and what in the URL, the trend in the session."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.findings import NORMAL, vocabulary
from engine.store.series import PersonSeries
from engine.strings import text
from engine.study import Modality
from engine.wearable.trend import Trend, kinds, people, trend
from pages.shared import resources

PATIENT, MADE, WINDOW = "patient", "trend-made", "trend-window"
FIRST = "atrial_fibrillation"  # the finding that is shown first
AMONG: tuple[Modality, ...] = ("ecg", "ppg", "cxr")


@st.cache_data(max_entries=4, show_spinner=False)
def _people(sight: resources.Sight) -> list[PersonSeries]:
    return people(resources.workspace(), actor=resources.actor())


def series() -> dict[str, PersonSeries | None]:
    """Return whom one can choose, patient id → what there is of them; whom the address names is among them."""
    found: dict[str, PersonSeries | None] = {one.patient_id: one for one in _people(resources.sight())}
    named = st.query_params.get(PATIENT)
    return found if named is None or named in found else {named: None, **found}


def chosen_kinds(patient_id: str) -> list[Modality]:
    """Return the modalities of which a person has recordings with times."""
    return kinds(resources.workspace(), patient_id, actor=resources.actor())


def made(patient_id: str, of: Modality, into: Modality) -> Trend:
    """Return the trend, made once for what can be seen at the moment; it says how far it is meanwhile."""
    key = (patient_id, of, into, resources.sight(), resources.release().name)
    known: tuple[Any, Trend] | None = st.session_state.get(MADE)
    if known is not None and known[0] == key:
        return known[1]
    shown = st.progress(0.0)

    def on_progress(done: int, total: int) -> None:
        shown.progress(done / total, text("trend.reading", n=done, total=total))

    found = trend(
        resources.workspace(),
        resources.release(),
        patient_id,
        of,
        into,
        actor=resources.actor(),
        on_progress=on_progress,
    )
    shown.empty()
    st.session_state[MADE] = key, found
    return found


def findings(found: Trend) -> list[str]:
    """Return the findings that can be chosen: those that occur first, then the others."""
    first = [FIRST] if FIRST in found.findings else []
    rest = [name for name in vocabulary() if name not in found.findings and name != NORMAL]
    return list(dict.fromkeys([*first, *found.findings, *rest]))


def picked() -> None:
    """Choose the recording whose mark was clicked."""
    points = st.session_state["trend-chart"].selection.points
    ids = [str(point["customdata"]) for point in points if "customdata" in point]
    if ids:
        st.session_state[WINDOW] = ids[0]
