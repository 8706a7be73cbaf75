"""Where everything of an ECG lies on paper, in millimetres: shared by the printed and the measurable drawing.

Source of speed, gain, grid and pulse: Kligfield et al. (2007), "Recommendations for the standardization and
interpretation of the electrocardiogram, part I"; amplitudes in standard deviations get no millivolt grid and no pulse.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.settings import ASSETS
from engine.strings import text
from engine.study import Trace

MM_PER_S = 25.0
MM_PER_MV = 10.0
MM_PER_SD = 4.0  # own choice: 5 sd of an R wave take as much paper as 2 mV
MM_PER_RANGE = 22.0  # own choice: the central 99 % of an arbitrary amplitude
ROW_MM = (20.0, 35.0)  # smallest and largest height of a row at 10 mm/mV
Cell = tuple[int, str, float, float]  # row, lead, start s, end s


@dataclass(frozen=True)
class LeadLayout:
    """rows: lead names per row, left to right; rhythm: leads repeated over the whole length beneath them."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...]


@lru_cache(maxsize=1)
def layouts() -> dict[str, LeadLayout]:
    """Return the layouts of assets/ecg_layouts.toml by key."""
    table = tomllib.loads((ASSETS / "ecg_layouts.toml").read_text(encoding="utf-8"))
    return {k: LeadLayout(v["name"], tuple(tuple(r) for r in v["rows"]), tuple(v["rhythm"])) for k, v in table.items()}


def layout_for(trace: Trace, key: str = "3x4r") -> LeadLayout:
    """Return the layout asked for where all its leads are there, else one row per lead that is."""
    wanted = layouts()[key]
    named = {lead for row in wanted.rows for lead in row}
    if named <= set(trace.leads):
        return wanted
    return LeadLayout(text("trace.layout_each"), tuple((lead,) for lead in trace.leads), ())


def mm_per_unit(trace: Trace, gain: float = MM_PER_MV) -> float:
    """Return millimetres of paper for one unit of amplitude; other units grow with the gain as millivolts do."""
    scale = gain / MM_PER_MV
    if trace.units == "mV":
        return gain
    if trace.units == "sd":
        return MM_PER_SD * scale
    low, high = np.nanpercentile(trace.samples, [0.5, 99.5])
    return MM_PER_RANGE * scale / max(float(high - low), 1e-9)


def row_space(trace: Trace, gain: float = MM_PER_MV) -> tuple[float, float]:
    """Return (height, baseline from the row's top) in mm, in whole 5 mm squares within ROW_MM for the widest leads."""
    centred = trace.samples - np.nanmedian(trace.samples, axis=1, keepdims=True)
    scale = mm_per_unit(trace, gain)
    up = max(float(np.nanmax(np.nanpercentile(centred, 99.9, axis=1))) * scale, 5.0)
    down = max(-float(np.nanmin(np.nanpercentile(centred, 0.1, axis=1))) * scale, 5.0)
    largest = ROW_MM[1] * max(1.0, gain / MM_PER_MV)
    height = float(np.clip(5 * np.ceil((0.8 * (up + down) + 5) / 5), ROW_MM[0], largest))
    return height, float(np.clip(up / (up + down), 0.35, 0.7)) * height


def cells(layout: LeadLayout, seconds: float) -> list[Cell]:
    """Return the cells of everything that is drawn."""
    found = []
    for r, row in enumerate(layout.rows):
        share = seconds / len(row)
        found += [(r, lead, c * share, (c + 1) * share) for c, lead in enumerate(row)]
    found += [(len(layout.rows) + r, lead, 0.0, seconds) for r, lead in enumerate(layout.rhythm)]
    return found


def rows_of(layout: LeadLayout) -> int:
    """Return the number of rows with the rhythm strips."""
    return len(layout.rows) + len(layout.rhythm)


def stretch(trace: Trace, lead: str, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds and amplitude about the lead's median of one cell."""
    first, last = round(start * trace.fs), round(end * trace.fs)
    samples = trace.samples[trace.leads.index(lead)]
    return np.arange(first, min(last + 1, len(samples))) / trace.fs, samples[first : last + 1] - np.nanmedian(samples)


def settings_line(trace: Trace, speed: float = MM_PER_S, gain: float = MM_PER_MV) -> str:
    """Return the line that is printed under the strip: speed, gain, rate, length."""
    scale = text(f"trace.gain_{trace.units}", gain=f"{gain:g}")
    return text("trace.settings", speed=f"{speed:g}", gain=scale, fs=f"{trace.fs:g}", seconds=f"{trace.duration_s:.3g}")
