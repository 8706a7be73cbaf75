"""Where everything of an ECG lies on paper, in millimetres: of prints, of drawings on a page and of measurable figures.

Source of speed, gain, grid and pulse: Kligfield et al. (2007), "Recommendations for the standardization and
interpretation of the electrocardiogram, part I". Amplitudes without millivolts get no millivolt grid and no pulse.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.settings import ASSETS
from engine.strings import several, text
from engine.study import Trace

MM_PER_S, MM_PER_MV = 25.0, 10.0  # Kligfield et al. (2007)
SQUARES_MM = (1.0, 5.0)  # Kligfield et al. (2007): 0.04 s by 0.1 mV, and 0.2 s by 0.5 mV
PULSE_S = 0.2  # length of the calibration pulse of 1 mV, Kligfield et al. (2007)
MM_PER_SD = 4.0  # own choice: 5 sd of an R wave take as much paper as 2 mV
MM_PER_RANGE = 22.0  # own choice: the central 99 % of an arbitrary amplitude
ROW_MM = (20.0, 35.0)  # smallest and largest height of a row at 10 mm/mV
LEFT, RIGHT, TOP, BOTTOM = 13.0, 3.0, 4.0, 8.0  # margins, mm; the pulse stands in the left one
PULSE_MM = 3.5  # left end of the calibration pulse, from the paper's edge
LEAD_MM = (1.0, 3.6)  # baseline of a lead's name, from its cell's upper left corner
Cell = tuple[int, str, float, float]  # row, lead, start s, end s


@dataclass(frozen=True)
class LeadLayout:
    """rows: lead names per row, left to right; rhythm: leads repeated over the whole length beneath them."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows with the rhythm strips."""
        return len(self.rows) + len(self.rhythm)


@dataclass(frozen=True, eq=False)
class LeadCurve:
    """One cell of a strip on paper; x and y in mm from the upper left corner, y downwards.

    at     : (n,) seconds of the trace
    points : (n, 2) x and y of its samples; NaN in y where one is missing
    base   : y of 0 mV
    corner : x and y of the lead's name
    x      : where the cell begins
    start  : second at which the cell begins; 0 for the first of its row
    """

    lead: str
    at: np.ndarray
    points: np.ndarray
    base: float
    corner: tuple[float, float]
    x: float
    start: float


@dataclass(frozen=True, eq=False)
class EcgStrip:
    """An ECG on paper of width × height mm; `calibrated` paper has a millivolt scale, and a pulse in each row."""

    width: float
    height: float
    calibrated: bool
    layout: LeadLayout
    curves: tuple[LeadCurve, ...]
    pulses: tuple[np.ndarray, ...]


@lru_cache(maxsize=1)
def layouts() -> dict[str, LeadLayout]:
    """Return the layouts of assets/ecg_layouts.toml by key."""
    table = tomllib.loads((ASSETS / "ecg_layouts.toml").read_text(encoding="utf-8"))
    return {k: LeadLayout(v["name"], tuple(tuple(r) for r in v["rows"]), tuple(v["rhythm"])) for k, v in table.items()}


def layout_for(trace: Trace, key: str = "3x4r") -> LeadLayout:
    """Return the layout asked for if the trace has all its leads, else one row for each lead that it has."""
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
    """Return the cells of everything that is drawn; each column shows the next equal share of the recording."""
    found = []
    for r, row in enumerate(layout.rows):
        share = seconds / len(row)
        found += [(r, lead, c * share, (c + 1) * share) for c, lead in enumerate(row)]
    return found + [(len(layout.rows) + r, lead, 0.0, seconds) for r, lead in enumerate(layout.rhythm)]


def stretch(trace: Trace, lead: str, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds and amplitude about the lead's median of one cell."""
    first, last = round(start * trace.fs), round(end * trace.fs)
    samples = trace.samples[trace.leads.index(lead)]
    middle = np.nanmedian(samples) if np.isfinite(samples).any() else 0.0
    shown = samples[first : last + 1]
    return np.arange(first, first + len(shown)) / trace.fs, shown - middle


def calibration_pulse(
    x: float, base: float, *, speed: float = MM_PER_S, gain: float = MM_PER_MV, foot: float = 1.5
) -> np.ndarray:
    """Return the corners of a pulse of 1 mV and 0.2 s that rises at x, (6, 2) mm with y downwards.

    foot : mm of baseline on either side
    """
    end, top = x + PULSE_S * speed, base - gain
    return np.array([(x - foot, base), (x, base), (x, top), (end, top), (end, base), (end + foot, base)])


def ecg_strip(trace: Trace, layout: LeadLayout) -> EcgStrip:
    """Return an ECG on paper at 25 mm/s and 10 mm/mV."""
    height, baseline = row_space(trace)
    gain, curves = mm_per_unit(trace), []
    for row, lead, start, end in cells(layout, trace.duration_s):
        base, x = TOP + row * height + baseline, LEFT + start * MM_PER_S
        at, amplitude = stretch(trace, lead, start, end)
        points = np.column_stack([LEFT + at * MM_PER_S, base - amplitude * gain])
        corner = (x + LEAD_MM[0], TOP + row * height + LEAD_MM[1])
        curves.append(LeadCurve(lead, at, points, base, corner, x, start))
    calibrated = trace.units == "mV"
    pulses = [calibration_pulse(PULSE_MM, curve.base) for curve in curves if calibrated and curve.start == 0]
    width, whole = LEFT + trace.duration_s * MM_PER_S + RIGHT, TOP + layout.n_rows * height + BOTTOM
    return EcgStrip(width, whole, calibrated, layout, tuple(curves), tuple(pulses))


def settings_line(trace: Trace, speed: float = MM_PER_S, gain: float = MM_PER_MV) -> str:
    """Return the line that is printed under the strip: speed in mm/s, gain in mm/mV, rate, length."""
    shown = text(f"trace.gain_{trace.units}", gain=f"{gain:.3g}")
    return text("trace.settings", speed=f"{speed:.3g}", gain=shown, **_length(trace))


def squares_line(trace: Trace) -> str:
    """Return the line under a strip whose printed size is unknown: what a square stands for, rate, length."""
    return text(f"trace.squares_{trace.units}", **_length(trace))


def alternative(trace: Trace, layout: LeadLayout, speed: float = MM_PER_S, gain: float = MM_PER_MV) -> str:
    """Return the one sentence that stands for the drawing of an ECG."""
    return text(
        "trace.alt_ecg",
        speed=f"{speed:g}",
        leads=several(len(trace.leads), "trace.leads"),
        seconds=f"{trace.duration_s:.3g}",
        gain=text(f"trace.gain_{trace.units}", gain=f"{gain:g}"),
        layout=layout.name,
    )


def alternative_pulse(trace: Trace) -> str:
    """Return the one sentence that stands for the drawing of a pulse recording."""
    return text("trace.alt_pulse", seconds=f"{trace.duration_s:.3g}", fs=f"{trace.fs:g}")


def _length(trace: Trace) -> dict[str, str]:
    return {"fs": f"{trace.fs:g}", "seconds": f"{trace.duration_s:.3g}"}
