"""ECG paper that can be measured: one unit of either axis is one millimetre of paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from engine.drawing import ecg_paper
from engine.drawing.ecg_paper import LeadLayout
from engine.drawing.palette import Paper
from engine.strings import text
from engine.study import Trace
from pages.shared import svg
from pages.shared.viewer import layers
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


def figure(strips: list[Strip], scale: PaperScale, paper: Paper, caliper: str) -> tuple[go.Figure, float]:
    """Return the strips over each other on one scale with matched axes, and width by height of the whole."""
    layouts = [ecg_paper.layout_for(strip.trace, scale.layout) for strip in strips]
    spaces = [ecg_paper.row_space(strip.trace, scale.gain) for strip in strips]
    row = max(height for height, _ in spaces)
    rows = max(layout.n_rows for layout in layouts)
    left, length = margin(scale), max(strip.trace.duration_s for strip in strips) * scale.speed
    width, height = left + length + RIGHT, TOP + rows * row + BOTTOM
    drawn, share = go.Figure(), (1 - GAP * (len(strips) - 1)) / len(strips)
    for i, (strip, layout, space) in enumerate(zip(strips, layouts, spaces, strict=True)):
        number, over = "" if i == 0 else str(i + 1), 1 - i * (share + GAP)
        _axes(
            drawn,
            number,
            (over - share, over),
            (-left, length + RIGHT),
            (-rows * row - BOTTOM, TOP),
            strip.trace.units == "mV",
            paper,
        )
        base = round(row * space[1] / space[0])
        layers.add_layer(drawn, i, 0, 0, length, rows * row, "above")
        _strip(drawn, number, strip, layout, scale, row, base, paper)
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


def _axes(
    drawn: go.Figure,
    number: str,
    domain: tuple[float, float],
    x: tuple[float, float],
    y: tuple[float, float],
    calibrated: bool,
    paper: Paper,
) -> None:
    """Add axes in mm with lines every 1 and 5 mm; only time lines where the amplitude has no millivolts."""
    common = {
        "dtick": 5,
        "tick0": 0,
        "showticklabels": False,
        "zeroline": False,
        "gridcolor": paper.major,
        "gridwidth": 1,
        "minor": {"dtick": 1, "tick0": 0, "showgrid": True, "gridcolor": paper.minor, "gridwidth": 1},
        "constrain": "domain",
    }
    across = {**common, "range": list(x), "anchor": f"y{number}", "domain": [0, 1]}
    up = {**common, "range": list(y), "anchor": f"x{number}", "domain": list(domain), "scaleanchor": f"x{number}"}
    if not calibrated:
        up |= {"showgrid": False, "minor": {"showgrid": False}}
    if number:
        across["matches"], up["matches"] = "x", "y"
    drawn.update_layout({f"xaxis{number}": across, f"yaxis{number}": up})


def points(
    strip: Strip, layout: LeadLayout, scale: PaperScale, row: float, base: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole strip as one line in mm, (n,) and (n,), broken by NaN between cells."""
    per_unit, xs, ys = ecg_paper.mm_per_unit(strip.trace, scale.gain), [], []
    for r, lead, start, end in ecg_paper.cells(layout, strip.trace.duration_s):
        at, amplitude = ecg_paper.stretch(strip.trace, lead, start, end)
        xs += [at * scale.speed, [np.nan]]
        ys += [amplitude * per_unit - (r * row + base), [np.nan]]
    if strip.trace.units == "mV":
        for r in range(layout.n_rows):
            corners = ecg_paper.calibration_pulse(
                2 - margin(scale), r * row + base, speed=scale.speed, gain=scale.gain, foot=1.0
            )
            xs += [corners[:, 0], [np.nan]]
            ys += [-corners[:, 1], [np.nan]]
    return np.concatenate(xs), np.concatenate(ys)


def _strip(
    drawn: go.Figure,
    number: str,
    strip: Strip,
    layout: LeadLayout,
    scale: PaperScale,
    row: float,
    base: float,
    paper: Paper,
) -> None:
    axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
    x, y = points(strip, layout, scale, row, base)
    line = {"color": paper.ink, "width": 1.3}
    drawn.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", connectgaps=False, **axes)
    cells = ecg_paper.cells(layout, strip.trace.duration_s)
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
    starts = [(start * scale.speed, -(r * row + base)) for r, _, start, _ in cells if start > 0]
    if starts:
        drawn.add_scatter(
            x=[v for x, _ in starts for v in (x, x, np.nan)],
            y=[v for _, b in starts for v in (b - 4, b + 4, np.nan)],
            mode="lines",
            line={"color": paper.faint, "width": 1},
            hoverinfo="skip",
            **axes,
        )
    _beats(drawn, axes, strip, cells, scale, row, paper)
    bottom = -layout.n_rows * row - 1
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


def _beats(
    drawn: go.Figure,
    axes: dict[str, str],
    strip: Strip,
    cells: list[ecg_paper.Cell],
    scale: PaperScale,
    row: float,
    paper: Paper,
) -> None:
    """Mark the beats at the foot of the longest cell of their lead; hovering reads the interval before each."""
    own = [cell for cell in cells if cell[1] == strip.lead]
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
        **axes,
    )


def settings_line(strip: Strip, scale: PaperScale) -> str:
    """Return the line printed under a strip: speed, gain, rate, length, filter, and where a stretch begins."""
    line = ecg_paper.settings_line(strip.trace, scale.speed, scale.gain)
    shown = f" · {text('viewer.from_s', start=f'{strip.start_s:.1f}')}" if strip.start_s else ""
    return f"{line}{shown} · {text('viewer.filter')}"


def bands(strip: Strip, scale: PaperScale, rows: int, row: float, length: float, base: float) -> str:
    """Return the overlay as SVG on transparent paper, in mm from the first sample of the first row."""
    first = round(strip.start_s * strip.trace.fs)
    values = strip.panel.overlay[:, first : first + strip.trace.samples.shape[1]]
    layout = ecg_paper.layout_for(strip.trace, scale.layout)
    per_unit = ecg_paper.mm_per_unit(strip.trace, scale.gain)
    parts = []
    for r, lead, start, end in ecg_paper.cells(layout, strip.trace.duration_s):
        at, amplitude = ecg_paper.stretch(strip.trace, lead, start, end)
        column = np.minimum(np.rint(at * strip.trace.fs).astype(int), values.shape[1] - 1)
        signed = values[strip.trace.leads.index(lead)][column]
        y = r * row + base - amplitude * per_unit
        parts.append(svg.highlight(at * scale.speed, y, signed, strip.panel.opacity))
    return svg.document(length, rows * row, parts)
