"""The pulse viewer: detail and overview, every beat marked, pulse rate with its range, quality stretch by stretch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine.drawing.palette import paper
from engine.intake.quality.rate import Rate, Stretch, quality_strip, rate_of
from engine.strings import text
from engine.study import Trace
from pages.shared import trace as drawing
from pages.shared.theme import browser_theme
from pages.shared.viewer import layers, ppg_figure
from pages.shared.viewer.ecg_figure import CALIPER
from pages.shared.viewer.panel import Frame, Panel
from pages.shared.viewer.ppg_figure import PulseView

SPANS_S = (5, 10, 30, 60)  # seconds in detail
DEFAULT_S = 10
MIN_STEP_S = 0.5


@st.cache_data(max_entries=60, show_spinner=False)
def measured(token: str, _trace: Trace) -> tuple[Rate | None, list[Stretch]]:
    """Return the rate over the whole recording and its quality by stretches."""
    return rate_of(_trace), quality_strip(_trace)


def draw_ppgs(panels: list[Panel], frame: Frame) -> None:
    """Draw one recording, or two over each other over the same seconds; linked ones share one figure and its zoom."""
    key = frame.key
    span = _span(panels, key)
    pulses = []
    for i, (panel, column) in enumerate(zip(panels, st.columns(len(panels), gap="medium"), strict=True)):
        with column:
            pulses.append(_pulse(panel, f"{key}-{i}", span))
    if frame.linked or len(pulses) == 1:
        _figure(pulses, key)
    else:
        for i, pulse in enumerate(pulses):
            _figure([pulse], f"{key}-{i}")
    for panel in panels:
        if not panel.anonymous:
            st.markdown(_rate_line(panel))
    words = [text("viewer.caliper_time")]
    if any(pulse.beats_s.size for pulse in pulses):
        words.append(text("viewer.quality_words"))
    st.markdown(f":small[{' '.join(words)}]")


def _span(panels: list[Panel], key: str) -> float:
    """Draw the choice of seconds in detail, where a recording is longer than the shortest choice."""
    longest = max(panel.study.trace.duration_s for panel in panels)
    options = [span for span in SPANS_S if span <= longest + MIN_STEP_S] or [SPANS_S[0]]
    if st.session_state.get(f"{key}-span") not in options:
        st.session_state[f"{key}-span"] = DEFAULT_S if DEFAULT_S in options else options[-1]
    span = st.segmented_control(
        text("viewer.detail"), options, required=True, key=f"{key}-span", format_func=lambda v: f"{v} s"
    )
    return float(DEFAULT_S if span is None else span)


def _pulse(panel: Panel, key: str, span: float) -> PulseView:
    """Return what is shown: `span` seconds, from the searched stretch on until the user moves the slider."""
    whole = panel.study.trace
    found, strip = measured(panel.token, whole)
    start, last = 0.0, whole.duration_s - span
    if last > MIN_STEP_S:
        name = f"{key}-start-{panel.token[:8]}"
        searched = panel.study.window_s[0] if panel.study.window_s else 0.0
        st.session_state[name] = float(min(st.session_state.get(name, searched), round(last, 1)))
        start = st.slider(
            f"{text('viewer.start')} {panel.title}".strip(),
            0.0,
            float(round(last, 1)),
            key=name,
            format="%.1f s",
            step=MIN_STEP_S,
        )
    beats = found.beats_s if found and not panel.anonymous else np.zeros(0)
    return PulseView(panel, start, min(span, whole.duration_s), beats, strip)


def _figure(pulses: list[PulseView], key: str) -> None:
    theme = browser_theme()
    drawn = ppg_figure.figure(pulses, paper(theme), CALIPER[theme])
    said = " ".join(drawing.alternative(pulse.trace) for pulse in pulses)
    pictures = [
        layers.BLANK if (overlay := pulse.panel.overlay) is None else ppg_figure.bands(pulse, overlay)
        for pulse in pulses
    ]
    marked = " ".join(pulse.panel.overlay_text for pulse in pulses if pulse.panel.overlay is not None)
    layers.chart(drawn, key=key, alt=said, pictures=pictures, pictures_alt=f"{said} {marked}".strip())


def _rate_line(panel: Panel) -> str:
    """Return the pulse rate with the range of its intervals, or why there is none, and how many stretches are good."""
    found, strip = measured(panel.token, panel.study.trace)
    title = f"**{panel.title}:** " if panel.title else ""
    kept = text("viewer.stretches", n=sum(one.accepted for one in strip), total=len(strip))
    if found is None:
        return f"{title}{text('viewer.pulse_none')} {kept}"
    gaps = found.intervals_ms
    slow, fast = 60_000 / float(np.percentile(gaps, 95)), 60_000 / float(np.percentile(gaps, 5))
    rate = text("viewer.pulse", rate=round(found.per_minute), low=round(slow), high=round(fast), n=gaps.size)
    return f"{title}{rate} {kept}"


def table(quality: list[Stretch]) -> pd.DataFrame:
    """Return one row per stretch: where, score, verdict in words."""
    rows = [
        (f"{one.start_s:.0f}–{one.end_s:.0f}", f"{one.score:.2f}", one.reason or text("viewer.quality_kept"))
        for one in quality
    ]
    return pd.DataFrame(rows, columns=[text("viewer.stretch"), text("viewer.score"), text("viewer.verdict")])
