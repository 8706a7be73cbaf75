"""Drawings of traces: ECG strip, pulse curve, thumbnails, their text alternative and the numbers behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine import signals
from engine.drawing import ecg_paper
from engine.drawing.ecg_paper import LeadLayout
from engine.drawing.palette import Paper
from engine.strings import text
from engine.study import PPG_LEAD, Trace
from pages.shared import svg
from pages.shared.ecg_svg import ecg_svg

PULSE_WIDTH, PULSE_HEIGHT = 250.0, 62.0  # mm of the pulse drawing
EDGE, CURVE_BOTTOM = 4.0, PULSE_HEIGHT - 13  # mm: around the curve, and where the seconds begin below it
THUMB_WIDTH, THUMB_HEIGHT = 75.0, 50.0  # mm of a thumbnail, 3 s at 25 mm/s; a tall one grows both ways
PULSE_THUMB_S = 6.0
THUMB_LEADS = ("II", "V5")
MAX_COLUMNS = 3000  # of a curve: more samples are drawn by the lowest and the highest of each column
TICKS_S = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 7200, 21600)


def is_pulse(trace: Trace) -> bool:
    """Return whether the trace is a photoplethysmogram."""
    return trace.leads == (PPG_LEAD,)


def _scaled(samples: np.ndarray, top: float, bottom: float) -> np.ndarray:
    """Map a curve's central 99 % onto the space between bottom and top, mm."""
    low, high = np.nanpercentile(samples, [0.5, 99.5])
    return bottom - (samples - low) / max(float(high - low), 1e-9) * (bottom - top)


def pulse_svg(
    trace: Trace,
    paper: Paper,
    *,
    window: tuple[float, float] | None = None,
    overlay: np.ndarray | None = None,
    opacity: float = 0.8,
) -> str:
    """Return a pulse curve over a seconds axis as SVG; `window` is shaded, `overlay` is (1, m) in -1..1."""
    left, right, top, bottom = EDGE, EDGE, EDGE, CURVE_BOTTOM
    seconds = trace.duration_s
    per_s = (PULSE_WIDTH - left - right) / seconds
    tick = next((t for t in TICKS_S if seconds / t <= 13), TICKS_S[-1])
    parts = [f'<rect width="{PULSE_WIDTH:g}" height="{PULSE_HEIGHT:g}" fill="{paper.background}"/>']
    if window is not None:
        edge, width = left + window[0] * per_s, (window[1] - window[0]) * per_s
        shape = f'x="{edge:.2f}" width="{width:.2f}" y="1" height="{bottom + 1:g}"'
        parts.append(f'<rect {shape} fill="{paper.major}" opacity="0.45"/>')
    for t in np.arange(0, seconds + 1e-6, tick).tolist():
        across = left + t * per_s
        parts.append(f'<path d="M{across:.2f} 1V{bottom + 2:g}" stroke="{paper.major}" stroke-width="0.25"/>')
        parts.append(svg.label(across, bottom + 6.2, f"{t:g}", paper.faint, size=3.4, anchor="middle"))
    columns = MAX_COLUMNS if overlay is None else trace.samples.shape[1]
    at, heights = signals.envelope(trace.samples[0], columns)
    x = left + at / trace.fs * per_s
    y = np.clip(_scaled(heights, top, bottom), 0, bottom + 2)  # NaN stays: a gap
    if overlay is not None:
        column = np.minimum((np.arange(len(x)) / len(x) * overlay.shape[1]).astype(int), overlay.shape[1] - 1)
        parts.append(svg.highlight(x, y, overlay[0][column], opacity))
    parts.append(svg.curve(x, y, paper.ink, 0.4))
    parts.append(svg.label(left, PULSE_HEIGHT - 2, text("trace.pulse_axis", fs=f"{trace.fs:g}"), paper.faint, size=3.4))
    return svg.document(PULSE_WIDTH, PULSE_HEIGHT, parts)


def trace_svg(
    trace: Trace,
    paper: Paper,
    *,
    layout: str = "3x4r",
    window: tuple[float, float] | None = None,
    overlay: np.ndarray | None = None,
    opacity: float = 0.8,
) -> str:
    """Return a trace as SVG: a pulse curve, or an ECG strip in the layout where its leads allow it."""
    if is_pulse(trace):
        return pulse_svg(trace, paper, window=window, overlay=overlay, opacity=opacity)
    return ecg_svg(trace, paper, ecg_paper.layout_for(trace, layout), overlay=overlay, opacity=opacity)


def overview_svg(trace: Trace, paper: Paper, window: tuple[float, float]) -> str:
    """Return one lead over a seconds axis as SVG, scaled to itself, with a stretch pointed at; no amplitude scale."""
    drawn = pulse_svg(trace, paper, window=window)
    caption = text("trace.pulse_axis", fs=f"{trace.fs:g}")
    drawn = drawn.replace(caption, text("trace.overview_axis", lead=trace.leads[0], fs=f"{trace.fs:g}"))
    return drawn.replace("</svg>", f"{_pointer(trace, paper, window)}</svg>")


def _pointer(trace: Trace, paper: Paper, window: tuple[float, float]) -> str:
    """Return a mark over the curve at the middle of a stretch, seen however short it is in a long recording."""
    across = EDGE + (window[0] + window[1]) / 2 * (PULSE_WIDTH - 2 * EDGE) / trace.duration_s
    shape = f"M{across - 2.5:.2f} 0.5h5L{across + 0.4:.2f} 5V{CURVE_BOTTOM + 2:g}h-0.8V5z"
    colours = f'fill="{paper.ink}" stroke="{paper.background}" stroke-width="0.9" paint-order="stroke"'
    return f'<path d="{shape}" {colours}/>'


def thumb_svg(trace: Trace, paper: Paper) -> str:
    """Return a card's small picture as SVG: 3 s or more of two leads, as tall as they need, or 6 s of a pulse."""
    if is_pulse(trace):
        return _pulse_thumb(trace.between(0.0, min(trace.duration_s, PULSE_THUMB_S)), paper)
    shown = _of_leads(trace, thumb_leads(trace))
    layout = LeadLayout("", tuple((lead,) for lead in shown.leads), ())
    places = ecg_paper.row_places(shown, layout)
    height = max(THUMB_HEIGHT, places.height)
    width, spare = height / THUMB_HEIGHT * THUMB_WIDTH, (height - places.height) / len(shown.leads)
    part = shown.between(0.0, min(shown.duration_s, width / ecg_paper.MM_PER_S))
    parts = [svg.grid(width, height, paper, horizontal=shown.units == "mV", minor=False, left=0, top=0)]
    size = 5 * height / THUMB_HEIGHT
    for row, lead in enumerate(shown.leads):
        at, amplitude = ecg_paper.stretch(shown, lead, 0.0, part.duration_s)
        y = places.bases[row] + (row + 0.5) * spare - amplitude * ecg_paper.mm_per_unit(shown)
        parts.append(svg.curve(at * ecg_paper.MM_PER_S, y, paper.ink, 0.6 * height / THUMB_HEIGHT))
        above = float(np.nanmin(np.where(at * ecg_paper.MM_PER_S < 3 * size, y, np.inf)))
        name = max(min(above - 1, y[0] - size), size) if np.isfinite(y[0]) else places.bases[row]
        parts.append(svg.label(1.5, name, lead, paper.ink, size=size, halo=paper.background))
    return svg.document(width, height, parts)


def _pulse_thumb(shown: Trace, paper: Paper) -> str:
    x = np.linspace(0.0, THUMB_WIDTH, shown.samples.shape[1])
    return svg.document(
        THUMB_WIDTH,
        THUMB_HEIGHT,
        [
            svg.grid(THUMB_WIDTH, THUMB_HEIGHT, paper, horizontal=False, minor=False, left=0, top=0),
            svg.curve(x, _scaled(shown.samples[0], 4, THUMB_HEIGHT - 4), paper.ink, 0.6),
        ],
    )


def thumb_leads(trace: Trace) -> tuple[str, ...]:
    """Return the leads of a card's small picture: II and V5, or the first two that there are."""
    return tuple(lead for lead in THUMB_LEADS if lead in trace.leads) or trace.leads[:2]


def _of_leads(trace: Trace, leads: tuple[str, ...]) -> Trace:
    rows = [trace.leads.index(lead) for lead in leads]
    return Trace(trace.samples[rows], leads, trace.fs, trace.units)


def thumb_alternative(trace: Trace) -> str:
    """Return the one sentence that stands for a card's small picture."""
    if is_pulse(trace):
        return ecg_paper.alternative_pulse(trace.between(0.0, min(trace.duration_s, PULSE_THUMB_S)))
    return text("trace.alt_thumb", leads=text("trace.and").join(thumb_leads(trace)), total=len(trace.leads))


def alternative(trace: Trace, layout: str = "3x4r") -> str:
    """Return the one sentence that stands for the drawing."""
    if is_pulse(trace):
        return ecg_paper.alternative_pulse(trace)
    return ecg_paper.alternative(trace, ecg_paper.layout_for(trace, layout))


def numbers(trace: Trace) -> pd.DataFrame:
    """Return one row per lead: lowest, highest, span, missing share, with the unit in the column's name."""
    unit = text(f"trace.unit_{trace.units}")
    samples = trace.samples
    low, high = np.nanmin(samples, axis=1), np.nanmax(samples, axis=1)
    missing = 100 * np.mean(~np.isfinite(samples), axis=1)
    table = {
        text("trace.column_lead"): list(trace.leads),
        text("trace.column_low", unit=unit): [f"{v:.2f}" for v in low],
        text("trace.column_high", unit=unit): [f"{v:.2f}" for v in high],
        text("trace.column_span", unit=unit): [f"{v:.2f}" for v in high - low],
        text("trace.column_missing"): [f"{v:.1f}" for v in missing],
    }
    return pd.DataFrame(table)
