"""Traces on paper, in true millimetres: ECGs at 25 mm/s and 10 mm/mV, pulse recordings at 25 mm/s in rows of 10 s.

Source of speed, gain, grid and pulse: Kligfield et al. (2007), "Recommendations for the standardization and
interpretation of the electrocardiogram, part I". Amplitudes that are not in millivolts get neither grid nor pulse.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

import numpy as np

from engine.drawing.sheet import Curve, Segments, Sheet, Word, thinned
from engine.settings import ASSETS
from engine.strings import text
from engine.study import PPG_LEAD, Trace

MM_PER_S, MM_PER_MV, MM_PER_SD = 25.0, 10.0, 4.0
LEFT, RIGHT, TOP, BOTTOM = 13.0, 3.0, 4.0, 8.0  # margins, mm; the pulse stands in the left one
ROW_MM = (20.0, 35.0)  # smallest and largest height of a row
PULSE_MM = 5.0  # width of the calibration pulse
PULSE_ROW_S, PULSE_ROW_MM = 10.0, 22.0  # a pulse recording: seconds and height of one row
LINE_MM, MINOR_MM, MAJOR_MM = 0.28, 0.08, 0.16  # widths of the trace and of the grid's lines

Cell = tuple[int, str, float, float]  # row, lead, start s, end s


@lru_cache(maxsize=1)
def colours() -> dict[str, str]:
    """Return the colours of light paper by use."""
    found: dict[str, str] = tomllib.loads((ASSETS / "colours.toml").read_text(encoding="utf-8"))["paper"]["light"]
    return found


@lru_cache(maxsize=1)
def _layouts() -> dict[str, Any]:
    return tomllib.loads((ASSETS / "ecg_layouts.toml").read_text(encoding="utf-8"))


def trace_sheet(trace: Trace, *, layout: str = "3x4r", step: float = 0.0, minor: bool = True, stamp: str = "") -> Sheet:
    """Return a trace on paper.

    layout : of assets/ecg_layouts.toml, where all its leads are there; else one row per lead
    step   : mm of paper that are drawn as one stroke, so that a small print stays a small file; 0 draws every sample
    minor  : whether the 1 mm lines are drawn
    stamp  : a word in bold at the foot, where no trace runs: the mark of a synthetic study
    """
    sheet = _pulse_sheet(trace, step) if trace.leads == (PPG_LEAD,) else _ecg_sheet(trace, layout, step, minor)
    if stamp:
        place = sheet.width - RIGHT - 3.4 * len(stamp)
        sheet.words.append(Word(place, sheet.height - 2.0, stamp, 4.2, colours()["ink"], bold=True))
    return sheet


def _ecg_sheet(trace: Trace, layout: str, step: float, minor: bool) -> Sheet:
    """Return an ECG in one of the layouts."""
    rows, rhythm, name = _rows(trace, layout)
    height, baseline = _row_space(trace)
    seconds, gain = trace.duration_s, mm_per_unit(trace)
    n = len(rows) + len(rhythm)
    sheet = Sheet(
        LEFT + seconds * MM_PER_S + RIGHT,
        TOP + n * height + BOTTOM,
        colours()["background"],
        lambda scale: settings_line(trace, scale),
    )
    _grid(sheet, horizontal=trace.units == "mV", minor=minor)
    for row, lead, start, end in _cells(rows, rhythm, seconds):
        base = TOP + row * height + baseline
        at, amplitude = _stretch(trace, lead, start, end)
        points = np.column_stack([LEFT + at * MM_PER_S, base - amplitude * gain])
        sheet.curves.append(Curve(thinned(points, step), colours()["ink"], LINE_MM))
        corner = (LEFT + start * MM_PER_S + 1, TOP + row * height + 3.6)
        sheet.words.append(Word(*corner, lead, 3.8, colours()["ink"]))
        if start > 0:
            x = LEFT + start * MM_PER_S
            sheet.segments.append(Segments(np.array([[x, base - 4, x, base + 4]]), colours()["ink"], LINE_MM))
        elif trace.units == "mV":
            sheet.curves.append(_calibration(base))
    sheet.alt = _said(trace, name)
    return sheet


def settings_line(trace: Trace, scale: float | None = 1.0) -> str:
    """Return the line under a strip: speed, gain, rate, length.

    scale : of the print, 1 at true size; None for a picture of unknown size, where the squares are named instead
    """
    about = {"fs": f"{trace.fs:g}", "seconds": f"{trace.duration_s:.3g}"}
    if scale is None:
        return text(f"report.squares_{trace.units}", **about)
    gain = text(f"report.gain_{trace.units}", gain=f"{MM_PER_MV * scale:.3g}")
    return text("report.settings", speed=f"{MM_PER_S * scale:.3g}", gain=gain, **about)


def mm_per_unit(trace: Trace) -> float:
    """Return millimetres of paper for one unit of amplitude."""
    if trace.units == "mV":
        return MM_PER_MV
    if trace.units == "sd":
        return MM_PER_SD
    low, high = np.nanpercentile(trace.samples, [0.5, 99.5])
    return 22.0 / max(float(high - low), 1e-9)


def _rows(trace: Trace, layout: str) -> tuple[list[list[str]], list[str], str]:
    """Return rows of leads, rhythm leads and the layout's name."""
    wanted = _layouts()[layout]
    if {lead for row in wanted["rows"] for lead in row} <= set(trace.leads):
        return wanted["rows"], wanted["rhythm"], wanted["name"]
    return [[lead] for lead in trace.leads], [], text("trace.layout_each")


def _row_space(trace: Trace) -> tuple[float, float]:
    """Return (height, baseline from the row's top) in mm, in whole 5 mm squares for the widest leads."""
    centred = trace.samples - np.nanmedian(trace.samples, axis=1, keepdims=True)
    gain = mm_per_unit(trace)
    up = max(float(np.nanmax(np.nanpercentile(centred, 99.9, axis=1))) * gain, 5.0)
    down = max(-float(np.nanmin(np.nanpercentile(centred, 0.1, axis=1))) * gain, 5.0)
    height = float(np.clip(5 * np.ceil((0.8 * (up + down) + 5) / 5), *ROW_MM))
    return height, float(np.clip(up / (up + down), 0.35, 0.7)) * height


def _cells(rows: list[list[str]], rhythm: list[str], seconds: float) -> list[Cell]:
    """Return everything that is drawn; each column shows the next equal share of the recording."""
    cells = [
        (r, lead, c * seconds / len(row), (c + 1) * seconds / len(row))
        for r, row in enumerate(rows)
        for c, lead in enumerate(row)
    ]
    return cells + [(len(rows) + r, lead, 0.0, seconds) for r, lead in enumerate(rhythm)]


def _stretch(trace: Trace, lead: str, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds and amplitude about the lead's median of one cell."""
    first, last = round(start * trace.fs), round(end * trace.fs)
    samples = trace.samples[trace.leads.index(lead)]
    stretch = samples[first : last + 1]
    middle = np.nanmedian(samples) if np.isfinite(samples).any() else 0.0
    return np.arange(first, first + len(stretch)) / trace.fs, stretch - middle


def _calibration(base: float) -> Curve:
    """Return the pulse of 1 mV and 0.2 s at the left of a row."""
    x, top = 3.5, base - MM_PER_MV
    corners = [(x - 1.5, base), (x, base), (x, top), (x + PULSE_MM, top), (x + PULSE_MM, base), (x + 6.5, base)]
    return Curve(np.array(corners), colours()["ink"], LINE_MM)


def _grid(sheet: Sheet, *, horizontal: bool, minor: bool) -> None:
    """Add 1 mm and 5 mm lines; without a millivolt scale only those of time."""
    for step, colour, width in ((1.0, "minor", MINOR_MM), (5.0, "major", MAJOR_MM)):
        if step == 1.0 and not minor:
            continue
        x = np.arange(LEFT % step, sheet.width + 1e-6, step)
        ends = [np.column_stack([x, np.zeros_like(x), x, np.full_like(x, sheet.height)])]
        if horizontal:
            y = np.arange(TOP % step, sheet.height + 1e-6, step)
            ends.append(np.column_stack([np.zeros_like(y), y, np.full_like(y, sheet.width), y]))
        sheet.segments.append(Segments(np.concatenate(ends), colours()[colour], width))


def _pulse_sheet(trace: Trace, step: float) -> Sheet:
    """Return a pulse recording in rows of 10 s."""
    n = max(1, int(np.ceil(trace.duration_s / PULSE_ROW_S - 1e-6)))
    seconds = min(trace.duration_s, PULSE_ROW_S)
    sheet = Sheet(
        LEFT + seconds * MM_PER_S + RIGHT,
        TOP + n * PULSE_ROW_MM + BOTTOM,
        colours()["background"],
        lambda scale: settings_line(trace, scale),
    )
    _grid(sheet, horizontal=False, minor=False)
    samples = trace.samples[0]
    low, high = np.nanpercentile(samples, [0.5, 99.5])
    share = np.clip((samples - low) / max(float(high - low), 1e-9), -0.15, 1.15)
    for row in range(n):
        first, last = round(row * PULSE_ROW_S * trace.fs), round((row + 1) * PULSE_ROW_S * trace.fs)
        part = share[first : last + 1]
        base = TOP + (row + 1) * PULSE_ROW_MM - 3
        points = np.column_stack([LEFT + np.arange(len(part)) / trace.fs * MM_PER_S, base - part * (PULSE_ROW_MM - 7)])
        sheet.curves.append(Curve(thinned(points, step), colours()["ink"], LINE_MM))
        sheet.words.append(Word(1.5, base, f"{row * PULSE_ROW_S:g} s", 3.4, colours()["faint"]))
    sheet.alt = text("trace.alt_pulse", seconds=f"{trace.duration_s:.3g}", fs=f"{trace.fs:g}")
    return sheet


def _said(trace: Trace, name: str) -> str:
    leads = text(f"trace.leads_{'one' if len(trace.leads) == 1 else 'many'}", n=len(trace.leads))
    gain = text(f"report.gain_{trace.units}", gain=f"{MM_PER_MV:g}")
    seconds = f"{trace.duration_s:.3g}"
    return text("trace.alt_ecg", speed=f"{MM_PER_S:g}", leads=leads, seconds=seconds, gain=gain, layout=name)
