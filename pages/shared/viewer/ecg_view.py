"""The ECG viewer: paper at a chosen speed and gain, lead layouts, calipers that read ms and mV, and the heart rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine.drawing import ecg_paper
from engine.drawing.palette import paper
from engine.intake.quality.rate import Rate, rate_of
from engine.strings import text
from engine.study import Trace
from pages.shared.theme import browser_theme
from pages.shared.viewer import ecg_figure, layers
from pages.shared.viewer.ecg_figure import CALIPER, PaperScale, Strip
from pages.shared.viewer.panel import Frame, Panel

SPEEDS = (12.5, 25.0, 50.0)  # mm/s
GAINS = (5.0, 10.0, 20.0)  # mm/mV
SHOWN_S = 10.0  # of a longer recording


@st.cache_data(max_entries=200, show_spinner=False)
def rate(token: str, start_s: float, _trace: Trace) -> Rate | None:
    """Return the rate of what is shown of a trace."""
    return rate_of(_trace)


def draw_ecgs(panels: list[Panel], frame: Frame) -> None:
    """Draw one strip, or two over each other on one scale; linked ones share one figure and its zoom."""
    key = frame.key
    scale = _controls(panels, key)
    strips = [_strip(panel, f"{key}-{i}") for i, panel in enumerate(panels)]
    if frame.linked or len(strips) == 1:
        _figure(strips, key, scale)
    else:
        for i, strip in enumerate(strips):
            _figure([strip], f"{key}-{i}", scale)
    for strip in strips:
        if not strip.panel.anonymous:
            st.markdown(_rate_line(strip))
    _caliper_words(strips, key)


def _controls(panels: list[Panel], key: str) -> PaperScale:
    names = {one: layout.name for one, layout in ecg_paper.layouts().items()}
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-controls"):
        speed = _choice("speed", SPEEDS, ecg_paper.MM_PER_S, key)
        gain = _choice("gain", GAINS, ecg_paper.MM_PER_MV, key)
        layout = st.selectbox(
            text("detail.layout"), names, format_func=names.__getitem__, key=f"{key}-layout", width=230
        )
    return PaperScale(speed, gain, layout)


def _choice(name: str, options: tuple[float, ...], default: float, key: str) -> float:
    st.session_state.setdefault(f"{key}-{name}", default)
    chosen = st.segmented_control(
        text(f"viewer.{name}"), options, required=True, key=f"{key}-{name}", format_func=lambda v: f"{v:g}"
    )
    return default if chosen is None else chosen


def _strip(panel: Panel, key: str) -> Strip:
    """Return what is shown of a panel: all of it, or 10 s of a longer one from where the user put the slider."""
    whole = panel.study.trace
    start = 0.0
    if whole.duration_s > SHOWN_S + 0.5:
        window = panel.study.window_s or (0.0, SHOWN_S)
        st.session_state.setdefault(f"{key}-start-{panel.token[:8]}", float(round(window[0], 1)))
        start = st.slider(
            f"{text('viewer.start')} {panel.title}".strip(),
            0.0,
            float(round(whole.duration_s - SHOWN_S, 1)),
            step=0.5,
            key=f"{key}-start-{panel.token[:8]}",
            format="%.1f s",
        )
        whole = whole.between(start, start + SHOWN_S)
    found = None if panel.anonymous else rate(panel.token, start, whole)
    return Strip(panel, whole, start, found.lead if found else "", found.beats_s if found else np.zeros(0))


def _figure(strips: list[Strip], key: str, scale: PaperScale) -> None:
    theme = browser_theme()
    drawn, ratio = ecg_figure.figure(strips, scale, paper(theme), CALIPER[theme])
    said = " ".join(alternative(strip.trace, scale) for strip in strips)
    pictures = _bands(strips, scale)
    overlay = " ".join(strip.panel.overlay_text for strip in strips if strip.panel.overlay is not None)
    layers.chart(drawn, key=key, alt=said, pictures=pictures, pictures_alt=f"{said} {overlay}".strip(), ratio=ratio)


def _bands(strips: list[Strip], scale: PaperScale) -> list[str]:
    length = ecg_figure.length_mm(strips, scale)
    return [
        layers.BLANK
        if one.strip.panel.overlay is None
        else ecg_figure.bands(one, one.strip.panel.overlay, length, scale)
        for one in ecg_figure.placed(strips, scale)
    ]


def alternative(trace: Trace, scale: PaperScale) -> str:
    """Return the one sentence that stands for a strip."""
    return ecg_paper.alternative(trace, ecg_paper.layout_for(trace, scale.layout), scale.speed, scale.gain)


def _rate_line(strip: Strip) -> str:
    """Return the heart rate with the interval's median and range, or why there is none."""
    found = rate(strip.panel.token, strip.start_s, strip.trace)
    title = f"**{strip.panel.title}:** " if strip.panel.title else ""
    if found is None:
        return title + text("viewer.rate_none")
    gaps = found.intervals_ms
    return title + text(
        "viewer.rate",
        rate=round(found.per_minute),
        median=round(float(np.median(gaps))),
        low=round(float(gaps.min())),
        high=round(float(gaps.max())),
        n=gaps.size,
        lead=found.lead,
    )


def _caliper_words(strips: list[Strip], key: str) -> None:
    """Say how to measure; turn measured milliseconds into a rate, which a caliper's label cannot."""
    known = all(strip.trace.units == "mV" for strip in strips)
    words = [text("viewer.caliper" if known else "viewer.caliper_time")]
    if any(strip.beats_s.size for strip in strips):
        words.append(text("viewer.caliper_beats"))
    st.markdown(f":small[{' '.join(words)}]")
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-bpm"):
        span = st.number_input(text("viewer.span"), 50, 10_000, 800, step=10, key=f"{key}-span", width=200)
        count = st.number_input(text("viewer.intervals"), 1, 20, 1, key=f"{key}-intervals", width=200)
        st.markdown(text("viewer.bpm", rate=f"{60_000 * count / span:.0f}"))


def table(measured_rate: Rate | None) -> pd.DataFrame | None:
    """Return one row per interval between beats, with the rate it gives; None where no beats are known."""
    if measured_rate is None:
        return None
    rows = [
        (f"{a:.2f}", f"{gap:.0f}", f"{60_000 / gap:.0f}")
        for a, gap in zip(measured_rate.beats_s[1:].tolist(), measured_rate.intervals_ms.tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=[text("viewer.beat_at"), text("viewer.interval"), text("viewer.per_minute")])
