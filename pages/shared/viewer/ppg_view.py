"""The pulse viewer: seconds across, every beat marked, pulse rate, quality stretch by stretch, the whole beneath."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.drawing import ecg_paper
from engine.drawing.palette import cividis, hex_of
from engine.intake.quality.rate import Rate, Stretch, quality_strip, rate_of
from engine.sentences import spoken
from engine.strings import text
from engine.study import Trace
from pages.shared.viewer import trace_component, trace_data
from pages.shared.viewer.panel import Frame, Panel

SPANS_S = (5, 10, 30, 60)  # seconds across
FIRST_SPAN_S = 10
DARK_SCORE = 0.45  # a bar's colour up to this is dark and its number light


@st.cache_data(max_entries=60, show_spinner=False)
def measured(token: str, _trace: Trace) -> tuple[Rate | None, list[Stretch]]:
    """Return the rate over the whole recording and its quality by stretches."""
    return rate_of(_trace), quality_strip(_trace)


def draw_ppgs(panels: list[Panel], frame: Frame) -> None:
    """Draw one recording, or two side by side over equally many seconds."""
    longest = max(panel.study.trace.duration_s for panel in panels)
    spans = [span for span in SPANS_S if span < longest + 1] or [SPANS_S[0]]
    trace_component.mount(
        panels,
        frame,
        {
            "pulse": True,
            "spans": spans,
            "first": {
                "view": "strip",
                "speeds": {},
                "span": FIRST_SPAN_S if FIRST_SPAN_S in spans else spans[-1],
                "gain": 10,
            },
            "panels": [_panel(panel, frame, i) for i, panel in enumerate(panels)],
        },
    )


def _panel(panel: Panel, frame: Frame, number: int) -> dict[str, Any]:
    sent = trace_component.sent_part(panel, frame, number)
    whole = panel.study.trace
    found, strip = measured(panel.token, whole)
    length = {"seconds": f"{whole.duration_s:.3g}", "fs": f"{whole.fs:g}"}
    return {
        **trace_data.common_data(panel, sent, f"viewer-{frame.key}-{number}"),
        "pulse": True,
        "alt": panel.described(ecg_paper.alternative_pulse(whole)),
        "settings": text("trace_viewer.pulse_settings", **length),
        "beats": None
        if found is None or panel.anonymous
        else {"lead": found.lead, "at": found.beats_s.round(4).tolist()},
        "rr": None,
        "rate": "" if panel.anonymous else _rate_words(found, strip),
        "quality": [_bar(one) for one in strip],
    }


def _bar(one: Stretch) -> dict[str, Any]:
    score = f"{one.score:.2f}"
    reason = _verdict(one)
    return {
        "start": one.start_s,
        "end": one.end_s,
        "score": score,
        "accepted": one.accepted,
        "colour": hex_of(cividis(0.2 + 0.6 * np.array(one.score))),
        "dark": one.score <= DARK_SCORE,
        "said": text(
            "viewer.quality_hover", start=f"{one.start_s:.0f}", end=f"{one.end_s:.0f}", score=score, reason=reason
        ),
    }


def _verdict(one: Stretch) -> str:
    return spoken(one.reason) if one.reason else text("viewer.quality_kept")


def _rate_words(found: Rate | None, strip: list[Stretch]) -> str:
    """Return the pulse rate with the range of its intervals, or why there is none, and how many stretches are good."""
    kept = text("viewer.stretches", n=sum(one.accepted for one in strip), total=len(strip))
    if found is None:
        return f"{text('viewer.pulse_none')} {kept}"
    gaps = found.intervals_ms
    slow, fast = 60_000 / float(np.percentile(gaps, 95)), 60_000 / float(np.percentile(gaps, 5))
    rate = text("viewer.pulse", rate=round(found.per_minute), low=round(slow), high=round(fast), n=gaps.size)
    return f"{rate} {kept}"


def table(quality: list[Stretch]) -> pd.DataFrame:
    """Return one row per stretch: where, score, verdict in words."""
    rows = [(f"{one.start_s:.0f}–{one.end_s:.0f}", f"{one.score:.2f}", _verdict(one)) for one in quality]
    return pd.DataFrame(rows, columns=[text("viewer.stretch"), text("viewer.score"), text("viewer.verdict")])
