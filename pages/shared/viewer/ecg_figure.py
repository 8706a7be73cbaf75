"""ECG paper that can be measured: one unit of either axis is one millimetre of paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.drawing import ecg_paper
from engine.drawing.ecg_paper import LeadLayout
from engine.drawing.palette import Paper
from engine.strings import text
from engine.study import Trace
from pages.shared import svg
from pages.shared.viewer import layers
from pages.shared.viewer.layers import Rectangle
from pages.shared.viewer.panel import Panel

TOP, BOTTOM, RIGHT = 15.0, 9.0, 4.0  # margins, mm; the top one holds the bar of buttons
GAP = 0.012  # between two strips, share of the height
CALIPER = {"light": "#0B5A8F", "dark": "#7FD0FF"}


@dataclass(frozen=True)
class PaperScale:
    """Speed in mm/s, gain in mm/mV, and the key of the lead layout."""

    speed: float = ecg_paper.MM_PER_S
    gain: float = ecg_paper.MM_PER_MV
    layout: str = "3x4r"


@dataclass(frozen=True, eq=False)
class Strip:
    """What one panel shows: the stretch, where it begins in the recording, and the beats of one lead."""

    panel: Panel
    trace: Trace
    start_s: float
    lead: str
    beats_s: np.ndarray


def margin(scale: PaperScale) -> float:
    """Return the left margin in mm, in whole 5 mm squares: the calibration pulse stands in it."""
    return 5 * np.ceil((ecg_paper.PULSE_S * scale.speed + 5) / 5)


def template(traces: list[Trace], scale: PaperScale) -> str:
    """Return what a caliper reads: ms and mV, or ms alone where an amplitude has no millivolts."""
    time = f"%{{dx*{1000 / scale.speed:g}:.0f}} {text('viewer.ms')}"
    if any(trace.units != "mV" for trace in traces):
        return time
    return f"{time}, %{{dy/{scale.gain:g}:.2f}} {text('viewer.mv')}"


@dataclass(frozen=True, eq=False)
class PlacedStrip:
    """Where a strip lies in a figure, in mm: `row` is the height of a row, `base` its 0 mV from the row's top.

    number : of its axes, "" for the first and "2" for the second
    rows   : of the tallest strip in the figure
    """

    strip: Strip
    layout: LeadLayout
    row: float
    base: float
    rows: int
    number: str

    @property
    def axes(self) -> dict[str, str]:
        """Its axes, for plotly."""
        return {"xaxis": f"x{self.number}", "yaxis": f"y{self.number}"}


def placed(strips: list[Strip], scale: PaperScale) -> list[PlacedStrip]:
    """Return the strips with rows of one height."""
    layouts = [ecg_paper.layout_for(strip.trace, scale.layout) for strip in strips]
    spaces = [ecg_paper.row_space(strip.trace, scale.gain) for strip in strips]
    row, rows = max(height for height, _ in spaces), max(layout.n_rows for layout in layouts)
    return [
        PlacedStrip(strip, layout, row, round(row * baseline / height), rows, "" if i == 0 else str(i + 1))
        for i, (strip, layout, (height, baseline)) in enumerate(zip(strips, layouts, spaces, strict=True))
    ]


def length_mm(strips: list[Strip], scale: PaperScale) -> float:
    """Return the length of the longest strip on paper."""
    return max(strip.trace.duration_s for strip in strips) * scale.speed


def figure(strips: list[Strip], scale: PaperScale, paper: Paper, caliper: str) -> tuple[go.Figure, float]:
    """Return the strips over each other on one scale with matched axes, and width by height of the whole."""
    all_placed = placed(strips, scale)
    left, length, body = margin(scale), length_mm(strips, scale), all_placed[0].rows * all_placed[0].row
    width, height = left + length + RIGHT, TOP + body + BOTTOM
    drawn, share = go.Figure(), (1 - GAP * (len(strips) - 1)) / len(strips)
    for i, one in enumerate(all_placed):
        over = 1 - i * (share + GAP)
        across, up = _axes(one.strip.trace.units == "mV", paper)
        across |= {"range": [-left, length + RIGHT], "anchor": f"y{one.number}", "domain": [0, 1]}
        up |= {"range": [-body - BOTTOM, TOP], "anchor": f"x{one.number}", "domain": [over - share, over]}
        up["scaleanchor"] = f"x{one.number}"
        if one.number:
            across["matches"], up["matches"] = "x", "y"
        drawn.update_layout({f"xaxis{one.number}": across, f"yaxis{one.number}": up})
        layers.add_layer(drawn, i, Rectangle(0, 0, length, body), "above")
        _strip(drawn, one, scale, paper)
    drawn.update_layout(
        paper_bgcolor=paper.background,
        plot_bgcolor=paper.background,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        hovermode="closest",
        dragmode="drawline",
        uirevision="|".join(strip.panel.token for strip in strips),
        modebar={"bgcolor": paper.background, "color": paper.faint, "activecolor": caliper},
        newshape={
            "line": {"color": caliper, "width": 2},
            "label": {
                "texttemplate": template([strip.trace for strip in strips], scale),
                "textposition": "end",
                "textangle": 0,
                "font": {"color": caliper, "size": 15},
            },
        },
    )
    return drawn, width / (height * len(strips) / (1 - GAP * (len(strips) - 1)))


def _axes(calibrated: bool, paper: Paper) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return axes in mm with lines every 1 and 5 mm; only time lines if the amplitude has no millivolts."""
    small, large = ecg_paper.SQUARES_MM
    across = {
        "dtick": large,
        "tick0": 0,
        "showticklabels": False,
        "zeroline": False,
        "gridcolor": paper.major,
        "gridwidth": 1,
        "minor": {"dtick": small, "tick0": 0, "showgrid": True, "gridcolor": paper.minor, "gridwidth": 1},
        "constrain": "domain",
    }
    return across, {**across} if calibrated else {**across, "showgrid": False, "minor": {"showgrid": False}}


def points(one: PlacedStrip, scale: PaperScale) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole strip as one line in mm, (n,) and (n,), broken by NaN between cells."""
    trace, gap = one.strip.trace, np.array([np.nan])
    per_unit = ecg_paper.mm_per_unit(trace, scale.gain)
    xs: list[np.ndarray] = []
    ys: list[np.ndarray] = []
    for r, lead, start, end in ecg_paper.cells(one.layout, trace.duration_s):
        at, amplitude = ecg_paper.stretch(trace, lead, start, end)
        xs += [at * scale.speed, gap]
        ys += [amplitude * per_unit - (r * one.row + one.base), gap]
    for r in range(one.layout.n_rows) if trace.units == "mV" else ():
        base = r * one.row + one.base
        x, y = ecg_paper.calibration_pulse(2 - margin(scale), base, speed=scale.speed, gain=scale.gain, foot=1.0).T
        xs += [x, gap]
        ys += [-y, gap]
    return np.concatenate(xs), np.concatenate(ys)


def _strip(drawn: go.Figure, one: PlacedStrip, scale: PaperScale, paper: Paper) -> None:
    """Draw curves, names of leads, separators, beats, settings and title of one strip."""
    strip, row, axes = one.strip, one.row, one.axes
    x, y = points(one, scale)
    line = {"color": paper.ink, "width": 1.3}
    drawn.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", connectgaps=False, **axes)
    cells = ecg_paper.cells(one.layout, strip.trace.duration_s)
    drawn.add_scatter(
        x=[start * scale.speed + 0.5 for _, _, start, _ in cells],
        y=[-r * row - 0.3 for r, *_ in cells],
        text=[f"<b>{lead}</b>" for _, lead, *_ in cells],
        mode="text",
        textposition="bottom right",
        textfont={"color": paper.ink, "size": 14},
        hoverinfo="skip",
        **axes,
    )
    starts = [(start * scale.speed, -(r * row + one.base)) for r, _, start, _ in cells if start > 0]
    if starts:
        drawn.add_scatter(
            x=[v for x, _ in starts for v in (x, x, np.nan)],
            y=[v for _, b in starts for v in (b - 4, b + 4, np.nan)],
            mode="lines",
            line={"color": paper.faint, "width": 1},
            hoverinfo="skip",
            **axes,
        )
    _beats(drawn, one, scale, paper)
    bottom = -one.layout.n_rows * row - 1
    drawn.add_scatter(
        x=[0],
        y=[bottom],
        text=[settings_line(strip, scale)],
        mode="text",
        textposition="bottom right",
        textfont={"color": paper.faint, "size": 13},
        hoverinfo="skip",
        **axes,
    )
    if title := strip.panel.heading:
        drawn.add_scatter(
            x=[0.5],
            y=[TOP - 0.8],
            text=[title],
            mode="text",
            textposition="bottom right",
            textfont={"color": paper.ink, "size": 14},
            hoverinfo="skip",
            **axes,
        )


def _beats(drawn: go.Figure, one: PlacedStrip, scale: PaperScale, paper: Paper) -> None:
    """Mark the beats at the foot of the longest cell of their lead; hovering reads the interval before each."""
    strip, row = one.strip, one.row
    own = [cell for cell in ecg_paper.cells(one.layout, strip.trace.duration_s) if cell[1] == strip.lead]
    if not own or strip.beats_s.size < 2:
        return
    r, _, start, end = max(own, key=lambda cell: cell[3] - cell[2])
    gaps = np.concatenate([[np.nan], np.diff(strip.beats_s)])
    kept = [(b, g) for b, g in zip(strip.beats_s.tolist(), gaps.tolist(), strict=True) if start <= b < end]
    words = [
        text("viewer.beat_hover", ms=f"{1000 * gap:.0f}", rate=f"{60 / gap:.0f}") if gap == gap else text("viewer.beat")
        for _, gap in kept
    ]
    drawn.add_scatter(
        x=[beat * scale.speed for beat, _ in kept],
        y=[-(r + 1) * row + 1.2] * len(kept),
        mode="markers",
        marker={"symbol": "triangle-up", "size": 8, "color": paper.faint},
        text=words,
        hoverinfo="text",
        **one.axes,
    )


def settings_line(strip: Strip, scale: PaperScale) -> str:
    """Return the line printed under a strip: speed, gain, rate, length, filter, and where a stretch begins."""
    line = ecg_paper.settings_line(strip.trace, scale.speed, scale.gain)
    shown = f" · {text('viewer.from_s', start=f'{strip.start_s:.1f}')}" if strip.start_s else ""
    return f"{line}{shown} · {text('viewer.filter')}"


def bands(one: PlacedStrip, overlay: np.ndarray, length: float, scale: PaperScale) -> str:
    """Return a map along a strip as SVG on transparent paper, in mm from the first sample of the first row.

    overlay : (leads, n) in -1..1 over the whole recording; length : of the figure's longest strip
    """
    trace = one.strip.trace
    first = round(one.strip.start_s * trace.fs)
    values = overlay[:, first : first + trace.samples.shape[1]]
    per_unit, parts = ecg_paper.mm_per_unit(trace, scale.gain), []
    for r, lead, start, end in ecg_paper.cells(one.layout, trace.duration_s):
        at, amplitude = ecg_paper.stretch(trace, lead, start, end)
        column = np.minimum(np.rint(at * trace.fs).astype(int), values.shape[1] - 1)
        signed = values[trace.leads.index(ecg_paper.recorded(lead))][column]
        y = r * one.row + one.base - amplitude * per_unit
        parts.append(svg.highlight(at * scale.speed, y, signed, one.strip.panel.opacity))
    return svg.document(length, one.rows * one.row, parts)
