"""Traces on light paper, in true millimetres: ECGs as ecg_paper lays them out, pulse recordings in rows of 10 s."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.drawing import ecg_paper
from engine.drawing.ecg_paper import BOTTOM, LEFT, MM_PER_MV, MM_PER_S, RIGHT, SQUARES_MM, TOP
from engine.drawing.palette import paper
from engine.drawing.sheet import Curve, Segments, Sheet, Word, thinned
from engine.study import PPG_LEAD, Trace

PULSE_ROW_S, PULSE_ROW_MM = 10.0, 22.0  # a pulse recording: seconds and height of one row
LINE_MM, MINOR_MM, MAJOR_MM = 0.28, 0.08, 0.16  # widths of the trace and of the grid's lines


def trace_sheet(trace: Trace, *, layout: str = "3x4r", step: float = 0.0, minor: bool = True, stamp: str = "") -> Sheet:
    """Return a trace on paper.

    layout : of assets/ecg_layouts.toml, if the trace has all its leads; else one row for each lead
    step   : mm of paper that are drawn as one stroke, so that a small print stays a small file; 0 draws every sample
    minor  : whether the 1 mm lines are drawn
    stamp  : a word in bold at the foot, where no trace runs: the mark of a synthetic study
    """
    sheet = _pulse_sheet(trace, step) if trace.leads == (PPG_LEAD,) else _ecg_sheet(trace, layout, step, minor)
    if stamp:
        x = sheet.width - RIGHT - 3.4 * len(stamp)
        sheet.words.append(Word(x, sheet.height - 2.0, stamp, 4.2, paper("light").ink, bold=True))
    return sheet


@dataclass(frozen=True)
class LeadStretch:
    """A stretch of one lead on a sheet, and where its moments and values lie.

    start_s, end_s : seconds of the trace
    left           : mm at `start_s`
    base           : mm at the lead's median
    scale          : mm for one unit of amplitude; negative where the lead is drawn upside down
    """

    lead: str
    start_s: float
    end_s: float
    left: float
    base: float
    scale: float

    def at(self, seconds: float, amplitude: float) -> tuple[float, float]:
        """Return x and y in mm of a moment and an amplitude about the lead's median."""
        return self.left + (seconds - self.start_s) * MM_PER_S, self.base - amplitude * self.scale


def trace_panels(trace: Trace, *, layout: str = "3x4r") -> list[LeadStretch]:
    """Return where the leads of a trace lie on its `trace_sheet`."""
    if trace.leads == (PPG_LEAD,):
        low, high = _pulse_range(trace)
        scale = (PULSE_ROW_MM - 7) / max(high - low, 1e-9)
        middle = (float(np.nanmedian(trace.samples[0])) - low) * scale
        rows = enumerate(np.arange(0, trace.duration_s, PULSE_ROW_S).tolist())
        ends = [(start, min(start + PULSE_ROW_S, trace.duration_s), _pulse_base(n) - middle) for n, start in rows]
        return [LeadStretch(PPG_LEAD, start, end, LEFT, base, scale) for start, end, base in ends]
    scale, found = ecg_paper.mm_per_unit(trace), []
    for curve in ecg_paper.ecg_strip(trace, ecg_paper.layout_for(trace, layout)).curves:
        sign = -1 if curve.name != curve.lead else 1
        at = curve.at.tolist() or [0.0]
        found.append(LeadStretch(curve.lead, at[0], at[-1], LEFT + at[0] * MM_PER_S, curve.base, sign * scale))
    return found


def _pulse_range(trace: Trace) -> tuple[float, float]:
    """Return the values of a pulse recording at the foot and the head of a row."""
    low, high = np.nanpercentile(trace.samples[0], [0.5, 99.5])
    return float(low), float(high)


def _pulse_base(row: int) -> float:
    """Return the y of the foot of a row of a pulse recording, mm."""
    return TOP + (row + 1) * PULSE_ROW_MM - 3


def _ecg_sheet(trace: Trace, layout: str, step: float, minor: bool) -> Sheet:
    """Return an ECG in one of the layouts."""
    strip, ink = ecg_paper.ecg_strip(trace, ecg_paper.layout_for(trace, layout)), paper("light").ink
    sheet = _empty(trace, strip.width, strip.height)
    _grid(sheet, horizontal=strip.calibrated, minor=minor)
    for curve in strip.curves:
        sheet.curves.append(Curve(thinned(curve.points, step), ink, LINE_MM))
        sheet.words.append(Word(*curve.corner, curve.name, ecg_paper.NAME_MM, ink))
        if curve.start > 0:
            ends = np.array([[curve.x, curve.base - 4, curve.x, curve.base + 4]])
            sheet.segments.append(Segments(ends, ink, LINE_MM))
    sheet.curves += [Curve(pulse, ink, LINE_MM) for pulse in strip.pulses]
    sheet.alt = ecg_paper.alternative(trace, strip.layout)
    return sheet


def _empty(trace: Trace, width: float, height: float) -> Sheet:
    """Return paper with the settings at its foot: of a print at a scale, or of a picture of unknown size."""

    def caption(scale: float | None) -> str:
        if scale is None:
            return ecg_paper.squares_line(trace)
        return ecg_paper.settings_line(trace, MM_PER_S * scale, MM_PER_MV * scale)

    return Sheet(width, height, paper("light").background, caption)


def _grid(sheet: Sheet, *, horizontal: bool, minor: bool) -> None:
    """Add 1 mm and 5 mm lines; without a millivolt scale only those of time."""
    small, large = SQUARES_MM
    colours = paper("light")
    for step, colour, width in ((small, colours.minor, MINOR_MM), (large, colours.major, MAJOR_MM)):
        if step == small and not minor:
            continue
        x = np.arange(LEFT % step, sheet.width + 1e-6, step)
        ends = [np.column_stack([x, np.zeros_like(x), x, np.full_like(x, sheet.height)])]
        if horizontal:
            y = np.arange(TOP % step, sheet.height + 1e-6, step)
            ends.append(np.column_stack([np.zeros_like(y), y, np.full_like(y, sheet.width), y]))
        sheet.segments.append(Segments(np.concatenate(ends), colour, width))


def _pulse_sheet(trace: Trace, step: float) -> Sheet:
    """Return a pulse recording in rows of 10 s."""
    n = max(1, int(np.ceil(trace.duration_s / PULSE_ROW_S - 1e-6)))
    seconds, colours = min(trace.duration_s, PULSE_ROW_S), paper("light")
    sheet = _empty(trace, LEFT + seconds * MM_PER_S + RIGHT, TOP + n * PULSE_ROW_MM + BOTTOM)
    _grid(sheet, horizontal=False, minor=False)
    samples = trace.samples[0]
    low, high = _pulse_range(trace)
    share = np.clip((samples - low) / max(high - low, 1e-9), -0.15, 1.15)
    for row in range(n):
        first, last = round(row * PULSE_ROW_S * trace.fs), round((row + 1) * PULSE_ROW_S * trace.fs)
        part = share[first : last + 1]
        base = _pulse_base(row)
        points = np.column_stack([LEFT + np.arange(len(part)) / trace.fs * MM_PER_S, base - part * (PULSE_ROW_MM - 7)])
        sheet.curves.append(Curve(thinned(points, step), colours.ink, LINE_MM))
        sheet.words.append(Word(1.5, base, f"{row * PULSE_ROW_S:g} s", 3.4, colours.faint))
    sheet.alt = ecg_paper.alternative_pulse(trace)
    return sheet
