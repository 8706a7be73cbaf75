"""Groups: what groups of people find, whether a gap is more than chance, and how many people stand behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from engine.evaluate import fairness
from engine.evaluate.fairness_reading import GroupGap, GroupRow, gap_of, measured_in, ordered, rows_of
from engine.metrics.fairness import FEWEST
from engine.strings import number, text
from pages.groups import radii, state, words
from pages.groups.figure import figure
from pages.shared import frame, html_table, permitted, resources
from pages.shared.theme import browser_theme

METRICS = {
    fairness.PRECISION: "precision",
    fairness.LIFT: "lift",
    fairness.FOUND: "found",
    fairness.LET_IN: "let_in",
    fairness.INSIDE: "inside",
    fairness.OWN: "own",
    fairness.CALIBRATION: "calibration",
    fairness.REFUSED: "refused",
}
RELEASE, COLLECTION = "release", "collection"


def draw() -> None:
    """Draw the first sentence, the choice of a comparison, its picture, and its numbers as a table."""
    st.title(text("groups.title"), anchor=False)
    frame.describe(text("groups.title"), screen="groups")
    first = st.empty()
    found, source = _found()
    if not found or not found["sections"]:
        first.markdown(text("groups.nothing"))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="groups-choices"):
        metric = st.selectbox(text("groups.metric"), list(METRICS), key="groups-metric", format_func=_metric)
        sections = found["sections"]
        order = [at for at in ordered(sections, metric) if measured_in(sections[at], [metric])]
        at = st.selectbox(
            text("groups.compare"), order, key="groups-compare", format_func=lambda i: words.named(sections[i])
        )
    section = sections[at]
    rows, gap = rows_of(section, metric), gap_of(section, metric)
    first.markdown(f"**{_sentence(section, metric, gap)}**")
    names = [words.value(section["by"], row.name) for row in rows]
    st.plotly_chart(
        figure(rows, names, gap, _metric(metric), browser_theme()),
        key="groups-plot",
        theme=None,
        config={"displayModeBar": False},
    )
    st.markdown(" ".join([text("groups.band"), text("groups.few_note", n=FEWEST), source]))
    radii.draw(section, state.offers())
    with st.expander(text("groups.table"), expanded=False):
        _table(section)
    with st.expander(text("groups.beyond_title")):
        _beyond(found)
    with st.expander(text("groups.how_title")):
        st.markdown(text("groups.how"))


def _found() -> tuple[Mapping[str, Any] | None, str]:
    """Return the figures that were asked for, and where they come from in words."""
    choices = [RELEASE, *([COLLECTION] if permitted.may("curate") else [])]
    chosen = RELEASE
    if len(choices) > 1:
        chosen = (
            st.segmented_control(
                text("groups.of"),
                choices,
                default=RELEASE,
                key="groups-of",
                format_func=lambda one: text(f"groups.of_{one}"),
            )
            or RELEASE
        )
    if chosen == COLLECTION:
        with st.spinner(text("groups.measuring"), show_time=True):
            return state.of_collection(resources.sight()), text("groups.source_collection")
    kept = state.of_release()
    if kept is None:
        return None, ""
    return kept.measured, text(
        "groups.source_release", release=kept.release, split=kept.split, date=kept.date, command=kept.command
    )


def _metric(name: str) -> str:
    return text(f"groups.metric_{METRICS[name]}")


def _sentence(section: Mapping[str, Any], metric: str, gap: GroupGap | None) -> str:
    """Return what the figures say, in one sentence."""
    about = {"asks": words.named(section), "metric": _metric(metric)}
    if gap is None:
        return text("groups.said_few", **about, n=FEWEST)
    named = {"most": words.group(section["by"], gap.most), "least": words.group(section["by"], gap.least)}
    figures = {
        "high": f"{gap.highest:.2f}",
        "low": f"{gap.lowest:.2f}",
        "gap": f"{gap.value:.2f}",
        "band": f"{gap.band:.2f}",
    }
    kind = (
        "chance"
        if not gap.beyond
        else "finds"
        if metric in (fairness.PRECISION, fairness.LIFT, fairness.FOUND)
        else "more"
    )
    return text(f"groups.said_{kind}", **about, **named, **figures)


def _table(section: Mapping[str, Any]) -> None:
    """Draw every figure of a comparison; a group of few people says so in words."""
    shown = measured_in(section, list(METRICS))
    heads = [words.by(section["by"]), text("groups.patients"), *(_metric(name) for name in shown)]
    columns = [rows_of(section, name) for name in shown]
    body = [
        [_head(section, group), number(group["patients"]), *(_cell(column[at]) for column in columns)]
        for at, group in enumerate(section["groups"])
    ]
    gaps = [gap_of(section, name) for name in shown]
    body.append([text("groups.gap_row"), "", *(_gap(one) for one in gaps)])
    html_table.draw_html_table(heads, body)


def _head(section: Mapping[str, Any], group: Mapping[str, Any]) -> str:
    name = words.value(section["by"], group["name"])
    return f"{name} ({text('groups.few')})" if group["few"] else name


def _cell(row: GroupRow) -> str:
    if row.value is None:
        return "–"
    if row.low is None or row.high is None:
        return f"{row.value:.2f}"
    return f"{row.value:.2f} ({text('agreement.interval', low=f'{row.low:.2f}', high=f'{row.high:.2f}')})"


def _gap(gap: GroupGap | None) -> str:
    return "–" if gap is None else text("groups.gap_cell", gap=f"{gap.value:.2f}", band=f"{gap.band:.2f}")


def _beyond(found: Mapping[str, Any]) -> None:
    """List every gap of the shown figures that is beyond chance, and how many chance alone would put there."""
    looked = found["looked_at"]
    st.markdown(text("groups.looked", gaps=number(looked["gaps"]), beyond=number(looked["beyond"])))
    lines = [line for section in found["sections"] for line in _lines(section)]
    st.markdown("\n".join(f"- {line}" for line in lines) or text("groups.none_beyond"))
    for one in found["few"]:
        st.markdown(text("groups.few_people", by=words.by(one["by"]), n=number(one["patients"])))


def _lines(section: Mapping[str, Any]) -> Sequence[str]:
    gaps = [(name, gap_of(section, name)) for name in METRICS]
    return [_sentence(section, name, gap) for name, gap in gaps if gap is not None and gap.beyond]


draw()
