"""An ECG strip as SVG, laid out as engine/drawing/ecg_paper.py says, with its settings printed and a map along it."""

from __future__ import annotations

import numpy as np

from engine.drawing.ecg_paper import LEFT, NAME_MM, TOP, LeadCurve, LeadLayout, ecg_strip, settings_line
from engine.drawing.palette import Paper
from engine.study import Trace
from pages.shared import svg


def ecg_svg(
    trace: Trace, paper: Paper, layout: LeadLayout, *, overlay: np.ndarray | None = None, opacity: float = 0.8
) -> str:
    """Return the strip as SVG. overlay: (leads, m) in -1..1 over the same stretch of time, or None."""
    strip = ecg_strip(trace, layout)
    parts = [svg.grid(strip.width, strip.height, paper, horizontal=strip.calibrated, minor=True, left=LEFT, top=TOP)]
    for curve in strip.curves:
        x, y = curve.points.T
        if overlay is not None:
            values = overlay[trace.leads.index(curve.lead)]
            column = np.minimum((curve.at / trace.duration_s * len(values)).astype(int), len(values) - 1)
            parts.append(svg.highlight(x, y, values[column], opacity))
        parts.append(svg.curve(x, y, paper.ink, 0.32))
        parts.append(svg.label(*curve.corner, curve.name, paper.ink, size=NAME_MM))
        if curve.start > 0:
            parts.append(_separator(curve, paper))
    parts += [_pulse(pulse, paper) for pulse in strip.pulses]
    parts.append(svg.label(LEFT, strip.height - 2.2, settings_line(trace), paper.faint, size=3.4))
    return svg.document(strip.width, strip.height, parts)


def _separator(curve: LeadCurve, paper: Paper) -> str:
    return f'<path d="M{curve.x:g} {curve.base - 4:g}v8" stroke="{paper.faint}" stroke-width="0.3"/>'


def _pulse(corners: np.ndarray, paper: Paper) -> str:
    path = "L".join(f"{x:g} {y:g}" for x, y in corners.tolist())
    return f'<path d="M{path}" fill="none" stroke="{paper.ink}" stroke-width="0.35"/>'
