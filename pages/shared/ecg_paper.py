"""ECG paper: 25 mm/s and 10 mm/mV on 1 mm and 5 mm squares, with calibration pulse and printed settings.

Source of speed, gain, grid and pulse: Kligfield et al. (2007), "Recommendations for the standardization and
interpretation of the electrocardiogram, part I"; amplitudes in standard deviations get no millivolt grid and no pulse.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.settings import ASSETS
from engine.study import Trace
from pages.shared import svg
from pages.shared.strings import text
from pages.shared.theme import Paper

MM_PER_S = 25.0
MM_PER_MV = 10.0
MM_PER_SD = 4.0  # own choice: 5 sd of an R wave take as much paper as 2 mV
LEFT, RIGHT, TOP, BOTTOM = 13.0, 3.0, 4.0, 8.0  # margins, mm; the pulse stands in the left one
ROW_MM = (20.0, 35.0)  # smallest and largest height of a row
PULSE_MM = 5.0


@dataclass(frozen=True)
class Layout:
    """rows: lead names per row, left to right; rhythm: leads repeated over the whole length beneath them."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...]


@lru_cache(maxsize=1)
def layouts() -> dict[str, Layout]:
    """Return the layouts of assets/ecg_layouts.toml by key."""
    table = tomllib.loads((ASSETS / "ecg_layouts.toml").read_text(encoding="utf-8"))
    return {k: Layout(v["name"], tuple(tuple(r) for r in v["rows"]), tuple(v["rhythm"])) for k, v in table.items()}


def layout_for(trace: Trace, key: str = "3x4r") -> Layout:
    """Return the layout asked for where all its leads are there, else one row per lead that is."""
    wanted = layouts()[key]
    named = {lead for row in wanted.rows for lead in row}
    if named <= set(trace.leads):
        return wanted
    return Layout(text("trace.layout_each"), tuple((lead,) for lead in trace.leads), ())


def mm_per_unit(trace: Trace) -> float:
    """Return millimetres of paper for one unit of amplitude."""
    if trace.units == "mV":
        return MM_PER_MV
    if trace.units == "sd":
        return MM_PER_SD
    low, high = np.nanpercentile(trace.samples, [0.5, 99.5])
    return 22.0 / max(float(high - low), 1e-9)


def row_space(trace: Trace) -> tuple[float, float]:
    """Return (height, baseline from the row's top) in mm, in whole 5 mm squares within ROW_MM for the widest leads."""
    centred = trace.samples - np.nanmedian(trace.samples, axis=1, keepdims=True)
    gain = mm_per_unit(trace)
    up = max(float(np.nanmax(np.nanpercentile(centred, 99.9, axis=1))) * gain, 5.0)
    down = max(-float(np.nanmin(np.nanpercentile(centred, 0.1, axis=1))) * gain, 5.0)
    height = float(np.clip(5 * np.ceil((0.8 * (up + down) + 5) / 5), *ROW_MM))
    return height, float(np.clip(up / (up + down), 0.35, 0.7)) * height


def _cells(layout: Layout, seconds: float) -> list[tuple[int, str, float, float]]:
    """Return (row, lead, start s, end s) of everything that is drawn."""
    cells = []
    for r, row in enumerate(layout.rows):
        share = seconds / len(row)
        cells += [(r, lead, c * share, (c + 1) * share) for c, lead in enumerate(row)]
    cells += [(len(layout.rows) + r, lead, 0.0, seconds) for r, lead in enumerate(layout.rhythm)]
    return cells


def settings_line(trace: Trace) -> str:
    """Return the line that is printed under the strip: speed, gain, rate, length."""
    gain = text(f"trace.gain_{trace.units}")
    return text("trace.settings", gain=gain, fs=f"{trace.fs:g}", seconds=f"{trace.duration_s:.3g}")


def _pulse(x: float, base: float, paper: Paper) -> str:
    top = base - MM_PER_MV
    path = f"M{x - 1.5:g} {base:g}H{x:g}V{top:g}H{x + PULSE_MM:g}V{base:g}H{x + PULSE_MM + 1.5:g}"
    return f'<path d="{path}" fill="none" stroke="{paper.ink}" stroke-width="0.35"/>'


def _stretch(trace: Trace, lead: str, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds and amplitude about the lead's median of one cell."""
    first, last = round(start * trace.fs), round(end * trace.fs)
    samples = trace.samples[trace.leads.index(lead)]
    return np.arange(first, min(last + 1, len(samples))) / trace.fs, samples[first : last + 1] - np.nanmedian(samples)


def draw(trace: Trace, paper: Paper, layout: Layout, overlay: np.ndarray | None = None, opacity: float = 0.8) -> str:
    """Return the strip as SVG. overlay: (leads, m) in -1..1 over the same stretch of time, or None."""
    seconds, gain = trace.duration_s, mm_per_unit(trace)
    height, baseline = row_space(trace)
    rows = len(layout.rows) + len(layout.rhythm)
    width_mm, height_mm = LEFT + seconds * MM_PER_S + RIGHT, TOP + rows * height + BOTTOM
    calibrated = trace.units == "mV"
    parts = [svg.grid(width_mm, height_mm, paper, horizontal=calibrated, minor=True, left=LEFT, top=TOP)]
    for row, lead, start, end in _cells(layout, seconds):
        base = TOP + row * height + baseline
        at, amplitude = _stretch(trace, lead, start, end)
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
