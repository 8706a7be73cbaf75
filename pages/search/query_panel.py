"""The query's panel: what was recognised, what was removed, the quality verdict, and the recording itself."""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd
import streamlit as st

from engine.intake.quality.verdict import Measure, QualityVerdict, number
from engine.retrieval.answer import Answer
from engine.settings import SEARCH_WINDOW_S
from engine.strings import several, text
from engine.study import Study
from pages.search import part, typed_panel
from pages.shared import case_card, content, mean, query_state
from pages.shared.markdown import escaped

PER_LEAD = ": "  # between lead and index in the name of a measure
LONG = ("measure", "measured", "threshold", "verdict")  # columns of a table with one row per measure


def draw_query_panel(answer: Answer, settings: query_state.Options) -> None:
    """Draw the facts beside the recording, and the ways to search by a part of it; or the cases of a mean."""
    if answer.study.facts.get("like"):
        mean.draw_mean_query(answer.study)
        return
    if answer.typed is not None:
        typed_panel.draw_typed(answer, answer.typed)
        return
    draw_recognised(answer.study, answer.verdict)
    if answer.verdict.accepted:
        part.draw_part(answer, settings)


def draw_recognised(study: Study, verdict: QualityVerdict) -> None:
    """Draw the facts beside the recording; words need no drawing of their own."""
    shares = {"cxr": [1, 1], "text": [1, 1]}.get(study.modality, [1, 2])
    with st.container(key="query-panel"):
        facts, drawing = st.columns(shares, gap="medium")
        with facts:
            _facts(study, verdict)
            _quality(verdict)
            _identity(study)
            content.draw_numbers(study)
        with drawing:
            if content.is_drawn_in_part(study):
                part.draw_overview(study)
            content.draw_content(study)


def _facts(study: Study, verdict: QualityVerdict) -> None:
    mark = case_card.synthetic_badge(study.facts.get("synthetic"))
    st.markdown(f"**{text(f'modality_one.{study.modality}')}**{mark}  \n{escaped(study.recognised)}")
    if study.facts.get("part_of"):
        part.draw_searched_part(study)
    elif study.window_s is not None:
        start, end = study.window_s
        name = "search.window_chosen" if study.facts.get("stretch") else "search.window"
        st.markdown(text(name, limit=SEARCH_WINDOW_S, start=start, end=end))
    _verdict(verdict)
    if study.identity_note:
        st.markdown(f":material/visibility: {escaped(study.identity_note)}")


def _verdict(verdict: QualityVerdict) -> None:
    """Draw accepted or refused, with every reason."""
    reasons = "\n".join(f"- {escaped(reason)}" for reason in verdict.reasons)
    if verdict.accepted:
        st.markdown(f":material/check_circle: {text('search.accepted')}\n\n{reasons}")
    else:
        words = f"**{text('search.refused')}**\n\n{reasons}\n\n{text('search.refused_next')}"
        st.warning(words, icon=":material/block:")


def _quality(verdict: QualityVerdict) -> None:
    if verdict.measures:
        passed = sum(one.passed for one in verdict.measures)
        title = text("search.quality_table", passed=passed, n=len(verdict.measures))
        with st.expander(title, icon=":material/monitor_heart:", expanded=not verdict.accepted):
            st.dataframe(measures(verdict), hide_index=not _is_per_lead(verdict), alt=title)


def _identity(study: Study) -> None:
    """Draw the de-identification table, its counts in the title."""
    if study.identity:
        counts = Counter(row.action for row in study.identity)
        actions = {action: counts.get(action, 0) for action in ("removed", "replaced", "kept")}
        title = several(len(study.identity), "search.identity", **actions)
        with st.expander(title, icon=":material/shield_person:"):
            st.dataframe(identity_rows(study), hide_index=True, alt=title)


def _is_per_lead(verdict: QualityVerdict) -> bool:
    return all(PER_LEAD in one.name for one in verdict.measures)


def measures(verdict: QualityVerdict) -> pd.DataFrame:
    """Return the quality measures: one row per lead where they are per lead, else one row per measure."""
    if _is_per_lead(verdict):
        return _per_lead(verdict.measures)
    rows = [
        (one.name, number(one.value, one.unit), _limit(one), text("search.passed" if one.passed else "search.failed"))
        for one in verdict.measures
    ]
    return pd.DataFrame(rows, columns=[text(f"search.{name}") for name in LONG])


def _per_lead(measures: tuple[Measure, ...]) -> pd.DataFrame:
    """Return leads down, indices across with their limit in the heading; a failed value carries a cross."""
    table: dict[str, dict[str, str]] = {}
    for one in measures:
        lead, _, index = one.name.partition(PER_LEAD)
        heading = f"{index} ({text('search.limit')} {_limit(one)})" if _limit(one) else index
        table.setdefault(heading, {})[lead] = number(one.value, one.unit) + ("" if one.passed else " ✗")
    return pd.DataFrame(table)


def _limit(measure: Measure) -> str:
    return "" if math.isnan(measure.threshold) else number(measure.threshold, measure.unit)


def identity_rows(study: Study) -> pd.DataFrame:
    """Return one row per element: tag, what was done, why."""
    rows = [(row.tag, row.action, row.reason) for row in study.identity]
    names = ["identity_element", "identity_action", "identity_reason"]
    return pd.DataFrame(rows, columns=[text(f"search.{name}") for name in names])
