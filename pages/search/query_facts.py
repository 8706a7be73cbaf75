"""What was judged and removed of a query: the quality verdict, its measures, the identity table."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal

import pandas as pd
import streamlit as st

from engine.intake.quality.verdict import Measure, QualityVerdict, number
from engine.sentences import spoken
from engine.strings import several, text
from engine.study import Study
from pages.shared import content
from pages.shared.markdown import escaped

WIDTH_PX = 560  # of a table that opens beside the rail
PER_LEAD = ": "  # between lead and index in the name of a measure
LONG = ("measure", "measured", "threshold", "verdict")  # columns of a table with one row per measure


def draw_refusal(verdict: QualityVerdict) -> None:
    """Draw that the query was refused, with every reason, and all that was measured."""
    words = f"**{text('search.refused')}**\n\n{_listed(verdict)}\n\n{text('search.refused_next')}"
    st.warning(words, icon=":material/block:")
    if verdict.measures:
        st.markdown(f"**{_measured(verdict)}**")
        _table(verdict)


def _listed(verdict: QualityVerdict) -> str:
    return "\n".join(f"- {escaped(spoken(reason))}" for reason in verdict.reasons)


def draw_details(study: Study, verdict: QualityVerdict) -> None:
    """Draw what was measured, what was removed, and the numbers of a trace, each wider than the rail, behind its title.

    What was measured of a refused recording stands beside the rail.
    """
    if verdict.measures and verdict.accepted:
        with st.popover(_measured(verdict), icon=":material/monitor_heart:", width="stretch", key="quality-measures"):
            if verdict.reasons:
                st.markdown(f"{text('search.weak')}\n\n{_listed(verdict)}")
            _table(verdict, WIDTH_PX)
    _identity(study)
    content.draw_numbers(study)


def _measured(verdict: QualityVerdict) -> str:
    passed = sum(one.passed for one in verdict.measures)
    return text("search.quality_table", passed=passed, n=len(verdict.measures))


def _table(verdict: QualityVerdict, width: int | Literal["stretch"] = "stretch") -> None:
    st.dataframe(measures(verdict), width=width, hide_index=not _is_per_lead(verdict), alt=_measured(verdict))


def _identity(study: Study) -> None:
    """Draw the de-identification table, its counts in the title."""
    if study.identity:
        counts = Counter(row.action for row in study.identity)
        actions = {action: counts.get(action, 0) for action in ("removed", "replaced", "kept")}
        title = several(len(study.identity), "search.identity", **actions)
        with st.popover(title, icon=":material/shield_person:", width="stretch", key="identity"):
            st.dataframe(identity_rows(study), width=WIDTH_PX, hide_index=True, alt=title)


def _is_per_lead(verdict: QualityVerdict) -> bool:
    return all(PER_LEAD in one.name for one in verdict.measures)


def measures(verdict: QualityVerdict) -> pd.DataFrame:
    """Return the quality measures: one row per lead where they are per lead, else one row per measure."""
    if _is_per_lead(verdict):
        return _per_lead(verdict.measures)
    rows = [
        (
            spoken(one.name),
            spoken(number(one.value, one.unit)),
            _limit(one),
            text("search.passed" if one.passed else "search.failed"),
        )
        for one in verdict.measures
    ]
    return pd.DataFrame(rows, columns=[text(f"search.{name}") for name in LONG])


def _per_lead(measures: tuple[Measure, ...]) -> pd.DataFrame:
    """Return leads down, indices across with their limit in the heading; a failed value carries a cross."""
    table: dict[str, dict[str, str]] = {}
    for one in measures:
        lead, _, index = one.name.partition(PER_LEAD)
        index = spoken(index)
        heading = f"{index} ({text('search.limit')} {_limit(one)})" if _limit(one) else index
        table.setdefault(heading, {})[lead] = spoken(number(one.value, one.unit)) + ("" if one.passed else " ✗")
    return pd.DataFrame(table)


def _limit(measure: Measure) -> str:
    return "" if math.isnan(measure.threshold) else spoken(number(measure.threshold, measure.unit))


def identity_rows(study: Study) -> pd.DataFrame:
    """Return one row per element: tag, what was done, why."""
    rows = [(spoken(row.tag), spoken(row.action), spoken(row.reason)) for row in study.identity]
    names = ["identity_element", "identity_action", "identity_reason"]
    return pd.DataFrame(rows, columns=[text(f"search.{name}") for name in names])
