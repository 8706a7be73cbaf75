"""A pulse recording: some seconds in detail with every beat marked, its quality, and the whole of it beneath."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from engine import signals
from engine.drawing.palette import Paper, cividis, hex_of
from engine.intake.quality.rate import Stretch
from engine.strings import text
from engine.study import Trace
from pages.shared import svg
from pages.shared.viewer import layers
from pages.shared.viewer.panel import Panel

COLUMNS = 1500  # of the overview's envelope
NUMBERED = 24  # up to this many stretches have room for their number
SVG_MM = (250.0, 60.0)
DETAIL, QUALITY, OVERVIEW = (0.50, 1.0), (0.27, 0.36), (0.0, 0.20)
PAIR_DETAILS = ((0.56, 1.0), (0.08, 0.47))


@dataclass(frozen=True, eq=False)
class PulseView:
    """What one panel shows: `seconds` from `start_s` of the recording, with its beats and quality."""

    panel: Panel
    start_s: float
    seconds: float
    beats_s: np.ndarray
    quality: list[Stretch]

    @property
    def trace(self) -> Trace:
        """The whole recording."""
        return self.panel.study.trace


def envelope(trace: Trace, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds and amplitude of a line through lowest and highest of each column; all samples of a short one."""
    at, heights = signals.envelope(trace.samples[0], columns)
    return at / trace.fs, heights


def stretch(pulse: PulseView) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds of the recording and amplitude of what is shown in detail."""
    shown = pulse.trace.between(pulse.start_s, pulse.start_s + pulse.seconds).samples[0]
    return pulse.start_s + np.arange(shown.size) / pulse.trace.fs, shown


def height_range(pulse: PulseView) -> tuple[float, float]:
    """Return the amplitudes between which the detail is drawn."""
    _, shown = stretch(pulse)
    if not np.isfinite(shown).any():
        return -1.0, 1.0
    low, high = float(np.nanmin(shown)), float(np.nanmax(shown))
    room = 0.15 * (high - low) or 1.0
    return low - room, high + room


def figure(pulses: list[PulseView], paper: Paper, caliper: str) -> go.Figure:
    """Return one recording with quality and overview, or the details of two over each other on one scale of time."""
    alone = len(pulses) == 1
    drawn = go.Figure()
    for i, pulse in enumerate(pulses):
        _detail(drawn, i, pulse, paper, alone=alone)
    if alone:
        _quality(drawn, pulses[0], paper)
        _overview(drawn, pulses[0], paper)
    drawn.update_layout(
        height=460,
        margin={"l": 44, "r": 12, "t": 30, "b": 34},
        paper_bgcolor=paper.background,
        plot_bgcolor=paper.background,
        font={"color": paper.ink, "size": 13},
        showlegend=False,
        hovermode="closest",
        dragmode="drawline",
        bargap=0,
        uirevision="|".join(f"{one.panel.token}{one.start_s}" for one in pulses),
        modebar={"bgcolor": paper.background, "color": paper.faint, "activecolor": caliper},
        newshape={
            "line": {"color": caliper, "width": 2},
            "label": {
                "texttemplate": f"%{{dx*1000:.0f}} {text('viewer.ms')}",
                "textposition": "end",
                "textangle": 0,
                "font": {"color": caliper, "size": 15},
            },
        },
    )
    return drawn


def _detail(drawn: go.Figure, i: int, pulse: PulseView, paper: Paper, *, alone: bool) -> None:
    """Draw what is shown in detail; time runs from the recording's beginning, or from the detail's beside another."""
    domain, zero = (DETAIL, 0.0) if alone else (PAIR_DETAILS[i], pulse.start_s)
    number = "" if i == 0 else "2"
    axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
    at, shown = stretch(pulse)
    start = pulse.start_s - zero
    x = {
        "range": [start, start + pulse.seconds],
        "anchor": f"y{number}",
        "gridcolor": paper.major,
        "zeroline": False,
        "title": {"text": text("viewer.seconds" if zero == 0 else "viewer.seconds_from"), "standoff": 4},
        "minor": {"showgrid": True, "gridcolor": paper.minor},
    }
    if i:
        x["matches"] = "x"
    low, high = height_range(pulse)
    y = {
        "range": [low, high],
        "domain": list(domain),
        "anchor": f"x{number}",
        "showticklabels": False,
        "showgrid": False,
        "zeroline": False,
        "title": {"text": text("viewer.arbitrary")},
    }
    drawn.update_layout({f"xaxis{number}": x, f"yaxis{number}": y})
    line = {"color": paper.ink, "width": 1.5}
    drawn.add_scatter(x=at - zero, y=shown, mode="lines", line=line, hoverinfo="skip", **axes)
    _marks(drawn, axes, pulse, zero, paper)
    if title := pulse.panel.heading:
        drawn.add_annotation(
            text=title, xref="paper", yref="paper", x=0, y=domain[1], xanchor="left", yanchor="bottom", showarrow=False
        )
    layers.add_layer(drawn, i, layers.Rectangle(start, high, pulse.seconds, high - low), "above")


def _marks(drawn: go.Figure, axes: dict[str, str], pulse: PulseView, zero: float, paper: Paper) -> None:
    """Mark every beat that is shown; hovering reads the interval before it."""
    gaps = np.concatenate([[np.nan], np.diff(pulse.beats_s)])
    inside = (pulse.beats_s >= pulse.start_s) & (pulse.beats_s < pulse.start_s + pulse.seconds)
    beats, gaps = pulse.beats_s[inside], gaps[inside]
    row = pulse.trace.samples[0]
    low, high = height_range(pulse)
    y = row[np.minimum(np.rint(beats * pulse.trace.fs).astype(int), row.size - 1)] + 0.05 * (high - low)
    words = [
        text("viewer.beat_hover", ms=f"{1000 * gap:.0f}", rate=f"{60 / gap:.0f}") if gap == gap else text("viewer.beat")
        for gap in gaps.tolist()
    ]
    drawn.add_scatter(
        x=beats - zero,
        y=y,
        mode="markers",
        text=words,
        hoverinfo="text",
        marker={"symbol": "triangle-down", "size": 9, "color": paper.faint},
        **axes,
    )


def _quality(drawn: go.Figure, pulse: PulseView, paper: Paper) -> None:
    """Draw one bar per stretch: colour and number say how good, hatching and a cross that the gate refuses it."""
    strip = pulse.quality
    few = len(strip) <= NUMBERED
    scores = [one.score for one in strip]
    colours = [hex_of(rgb) for rgb in cividis(0.2 + 0.6 * np.array(scores))]
    drawn.add_bar(
        x=[(one.start_s + one.end_s) / 2 for one in strip],
        width=[one.end_s - one.start_s for one in strip],
        y=[1] * len(strip),
        xaxis="x3",
        yaxis="y3",
        marker={
            "color": colours,
            "line": {"color": paper.background, "width": 1},
            "pattern": {"shape": ["" if one.accepted else "/" for one in strip], "fgcolor": paper.ink},
        },
        text=[("" if one.accepted else "✗ ") + (f"{one.score:.2f}" if few else "") for one in strip],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="none",
        textfont={"color": ["#101418" if score > 0.45 else "#FFFFFF" for score in scores], "size": 12},
        hovertext=[
            text(
                "viewer.quality_hover",
                start=f"{one.start_s:.0f}",
                end=f"{one.end_s:.0f}",
                score=f"{one.score:.2f}",
                reason=one.reason or text("viewer.quality_kept"),
            )
            for one in strip
        ],
        hoverinfo="text",
    )
    whole = [0, pulse.trace.duration_s]
    drawn.update_layout(
        xaxis3={"range": whole, "anchor": "y3", "showticklabels": False, "fixedrange": True, "showgrid": False},
        yaxis3={"range": [0, 1], "domain": list(QUALITY), "anchor": "x3", "visible": False, "fixedrange": True},
    )
    _caption(drawn, "viewer.quality", QUALITY[1])


def _overview(drawn: go.Figure, pulse: PulseView, paper: Paper) -> None:
    """Draw the whole recording and frame what is shown in detail."""
    x, y = envelope(pulse.trace)
    drawn.add_scatter(
        x=x, y=y, mode="lines", line={"color": paper.ink, "width": 0.8}, hoverinfo="skip", xaxis="x4", yaxis="y4"
    )
    drawn.update_layout(
        xaxis4={
            "range": [0, pulse.trace.duration_s],
            "anchor": "y4",
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "ticksuffix": " s",
        },
        yaxis4={"domain": list(OVERVIEW), "anchor": "x4", "visible": False, "fixedrange": True},
    )
    drawn.add_shape(
        type="rect",
        xref="x4",
        yref="y4 domain",
        x0=pulse.start_s,
        x1=pulse.start_s + pulse.seconds,
        y0=0,
        y1=1,
        line={"color": paper.ink, "width": 2},
        fillcolor=paper.major,
        opacity=0.45,
        layer="below",
        editable=False,
    )
    _caption(drawn, "viewer.overview", OVERVIEW[1])


def _caption(drawn: go.Figure, words: str, y: float) -> None:
    drawn.add_annotation(
        text=text(words),
        xref="paper",
        yref="paper",
        x=0,
        y=y,
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12},
    )


def bands(pulse: PulseView, overlay: np.ndarray) -> str:
    """Return a map (1, n) in -1..1 over the whole recording, along the detail, as SVG that is stretched over it."""
    at, shown = stretch(pulse)
    low, high = height_range(pulse)
    first = round(pulse.start_s * pulse.trace.fs)
    values = overlay[0][first : first + shown.size]
    x = (at[: values.size] - pulse.start_s) / pulse.seconds * SVG_MM[0]
    y = (high - shown[: values.size]) / (high - low) * SVG_MM[1]
    drawing = svg.document(*SVG_MM, [svg.highlight(x, y, values, pulse.panel.opacity)])
    return drawing.replace("<svg ", '<svg preserveAspectRatio="none" ', 1)
