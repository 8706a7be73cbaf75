"""One person over time: what the nearest cases of each recording carry, and how near they are."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.retrieval import wording
from engine.strings import number, several, text
from engine.wearable.trend import NEIGHBOURS, Trend, TrendBin, TrendPoint, binned
from pages.shared import frame, html_table, query_state, resources
from pages.shared.theme import browser_theme
from pages.trend import state
from pages.trend.figure import figure

COLUMNS = ("when", "recordings", "rate", "carrying", "share", "nearest")
FORM = {"hour": "%Y-%m-%d %H:00", "day": "%Y-%m-%d"}


def draw() -> None:
    """Draw whom and what to look at, the choice of a recording, the picture with how to read it below, the numbers."""
    resources.warm()
    st.title(text("trend.title"), anchor=False)
    frame.describe(text("trend.title"), screen="trend")
    people = state.series()
    if not people:
        st.markdown(f"{text('trend.lead', k=NEIGHBOURS)}\n\n{text('trend.nobody')}")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="trend-choices"):
        named = st.query_params.get(state.PATIENT)
        ids = list(people)
        patient = st.selectbox(
            text("trend.patient"), ids, index=ids.index(named) if named in people else 0, key="trend-patient"
        )
        st.query_params[state.PATIENT] = patient
        kinds = state.chosen_kinds(patient)
        if not kinds:
            st.markdown(text("trend.nobody"))
            return
        of = st.selectbox(text("trend.of"), kinds, key="trend-of", format_func=_kind)
        among = [of, *(one for one in state.AMONG if one != of)]
        into = st.selectbox(text("trend.into"), among, key="trend-into", format_func=_kinds)
        finding_place = st.empty()
    resources.wait(for_text=False)
    found = state.made(patient, of, into)
    finding = finding_place.selectbox(
        text("trend.finding"), state.findings(found), key="trend-finding", format_func=wording.finding
    )
    bins = binned(found.points, finding, found.period)
    _choice(found)
    _picture(found, bins, finding)
    with st.expander(text(f"trend.table_{found.period}")):
        html_table.draw_html_table(
            [text(f"trend.column_{name}") for name in COLUMNS], [_row(one, FORM[found.period]) for one in bins]
        )


def _kind(modality: str) -> str:
    return text(f"modality_one.{modality}")


def _kinds(modality: str) -> str:
    return text(f"modality.{modality}")


def _picture(found: Trend, bins: Sequence[TrendBin], finding: str) -> None:
    """Draw the picture, and below it what has to be known to read it."""
    st.plotly_chart(
        figure(found, bins, browser_theme()),
        key="trend-chart",
        theme=None,
        config={"displayModeBar": False},
        on_select=state.picked,
        selection_mode="points",
        alt=_alternative(found, bins, finding),
    )
    notes = [text("trend.lead", k=NEIGHBOURS)]
    notes += [text("trend.hollow")] if not all(point.close for point in found.points) else []
    notes += [text("trend.shifted")] if found.shifted else []
    notes += [several(found.left_out, "trend.left_out")] if found.left_out else []
    st.markdown(f":small[{' '.join(notes)}]")


def _alternative(found: Trend, bins: Sequence[TrendBin], finding: str) -> str:
    rates = [point.rate for point in found.points if point.rate is not None]
    return several(
        len(found.points),
        "trend.alt",
        first=f"{found.points[0].moment:%Y-%m-%d %H:%M}",
        last=f"{found.points[-1].moment:%Y-%m-%d %H:%M}",
        rates=text("trend.rates", low=min(rates), high=max(rates)) if rates else text("trend.no_rates"),
        carrying=sum(one.carrying for one in bins),
        labelled=sum(one.neighbours for one in bins),
        finding=wording.finding(finding),
    )


def _choice(found: Trend) -> None:
    """Draw the choice of a recording, which is the query then."""
    points = {point.study_id: point for point in found.points}
    if st.session_state.get(state.WINDOW) not in points:
        st.session_state.pop(state.WINDOW, None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            text("trend.pick"), list(points), key=state.WINDOW, format_func=lambda one: _line(points[one])
        )
        if st.button(text("trend.search"), key="trend-search", icon=":material/image_search:", type="primary"):
            st.switch_page("pages/search/page.py", query_params={query_state.QUERY: chosen})


def _line(point: TrendPoint) -> str:
    rate = text("trend.no_rate") if point.rate is None else text("trend.per_minute", rate=point.rate)
    nearest = text("trend.no_case") if point.nearest is None else number(point.nearest)
    return text("trend.point", when=f"{point.moment:%Y-%m-%d %H:%M}", rate=rate, nearest=nearest)


def _row(one: TrendBin, form: str) -> tuple[str, ...]:
    return (
        one.start.strftime(form),
        number(one.recordings),
        "–" if one.rate is None else f"{one.rate:.0f}",
        text("trend.of_n", n=one.carrying, total=one.neighbours) if one.neighbours else "–",
        f"{100 * one.carrying / one.neighbours:.0f} %" if one.neighbours else "–",
        "–" if one.nearest is None else f"{one.nearest:.0f}",
    )


draw()
