"""ECG paper as SVG: 25 mm/s and 10 mm/mV on 1 mm and 5 mm squares, with calibration pulse and printed settings."""

from __future__ import annotations

import numpy as np

from engine.study import Trace
from pages.shared import svg
from pages.shared.ecg_geometry import (
    MM_PER_MV,
    MM_PER_S,
    LeadLayout,
    cells,
    mm_per_unit,
    row_space,
    rows_of,
    settings_line,
    stretch,
)
from pages.shared.theme import Paper

LEFT, RIGHT, TOP, BOTTOM = 13.0, 3.0, 4.0, 8.0  # margins, mm; the pulse stands in the left one
PULSE_MM = 5.0


def _pulse(x: float, base: float, paper: Paper) -> str:
    top = base - MM_PER_MV
    path = f"M{x - 1.5:g} {base:g}H{x:g}V{top:g}H{x + PULSE_MM:g}V{base:g}H{x + PULSE_MM + 1.5:g}"
    return f'<path d="{path}" fill="none" stroke="{paper.ink}" stroke-width="0.35"/>'


def ecg_svg(
    trace: Trace, paper: Paper, layout: LeadLayout, overlay: np.ndarray | None = None, opacity: float = 0.8
) -> str:
    """Return the strip as SVG. overlay: (leads, m) in -1..1 over the same stretch of time, or None."""
    seconds, gain = trace.duration_s, mm_per_unit(trace)
    height, baseline = row_space(trace)
    rows = rows_of(layout)
    width_mm, height_mm = LEFT + seconds * MM_PER_S + RIGHT, TOP + rows * height + BOTTOM
    calibrated = trace.units == "mV"
    parts = [svg.grid(width_mm, height_mm, paper, horizontal=calibrated, minor=True, left=LEFT, top=TOP)]
    for row, lead, start, end in cells(layout, seconds):
        base = TOP + row * height + baseline
        at, amplitude = stretch(trace, lead, start, end)
        x, y = LEFT + at * MM_PER_S, base - amplitude * gain
        if overlay is not None:
            values = overlay[trace.leads.index(lead)]
            column = np.minimum((at / seconds * len(values)).astype(int), len(values) - 1)
            parts.append(svg.highlight(x, y, values[column], opacity))
        parts.append(svg.curve(x, y, paper.ink, 0.32))
        corner = (LEFT + start * MM_PER_S + 1, TOP + row * height + 3.6)
        parts.append(svg.label(*corner, lead, paper.ink, 3.8, halo=paper.background))
        if start > 0:
            mark = f"M{LEFT + start * MM_PER_S:g} {base - 4:g}v8"
            parts.append(f'<path d="{mark}" stroke="{paper.faint}" stroke-width="0.3"/>')
        elif calibrated:
            parts.append(_pulse(3.5, base, paper))
    parts.append(svg.label(LEFT, height_mm - 2.2, settings_line(trace), paper.faint, 3.4))
    return svg.document(width_mm, height_mm, parts)
