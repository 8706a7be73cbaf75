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
LEFT, RIGHT, TOP, BOTTOM = 19.0, 3.0, 3.0, 8.0  # margins, mm; names and pulses of the rows stand in the left one
PULSE_MM = 12.0  # left end of the calibration pulse, from the paper's edge
NAME_MM, NAME_WIDTH_MM = 3.8, 10.0  # a lead's name: height of its letters, and the most that it takes with a sign
NAME_X_MM = 1.0  # of a name in the margin, from the paper's edge; of one within a row, from its cell's edge
NEAREST_MM = 12.0  # own choice: least distance between two rows
AIR_MM = 1.5  # own choice: least distance between the curves of two rows at the same time
FARTHEST_MM = 75.0  # own choice: an artefact pushes rows no farther apart at 10 mm/mV
BUCKET_S = 0.1  # of time, in which rows are held apart
MINUS = "-"  # opens the name of a lead that is drawn upside down, as aVR in Cabrera's order
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
    name   : of the lead as it is printed
    corner : x and y of the name
    x      : where the cell begins
    start  : second at which the cell begins; 0 for the first of its row
    """

    lead: str
    at: np.ndarray
    points: np.ndarray
    base: float
    name: str
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


def recorded(name: str) -> str:
    """Return the lead that a cell of a layout draws: its name without the sign of one that is drawn upside down."""
    return name.removeprefix(MINUS)


def printed(name: str) -> str:
    """Return the name of a layout's cell with a true minus sign."""
    return name.replace(MINUS, "\u2212")


def layout_for(trace: Trace, key: str = "3x4r") -> LeadLayout:
    """Return the layout asked for if the trace has all its leads, else one row for each lead that it has."""
    wanted = layouts()[key]
    named = {recorded(lead) for row in wanted.rows for lead in row}
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


@dataclass(frozen=True)
class RowPlaces:
    """Where the rows of a layout lie, mm: as near to each other as their curves, names and pulses allow.

    bases  : of 0 mV of each row, from the top of all rows downwards
    height : of all rows
    names  : one a cell, in the order of `cells`: from 0 mV up to the baseline of the lead's name
    """

    bases: tuple[float, ...]
    height: float
    names: tuple[float, ...]


def row_places(trace: Trace, layout: LeadLayout, gain: float = MM_PER_MV, *, whole: bool = False) -> RowPlaces:
    """Return the rows at the distances that the data need, so that no curve is cut off or meets its neighbour.

    Two rows are as far apart as the deepest of the upper and the highest of the lower one at any one time need, names
    within a row and calibration pulses included, between NEAREST_MM and FARTHEST_MM.

    whole : each cell may come to show any stretch of its lead, as when a long recording is moved through its layout
    """
    up, down, names = _reaches(trace, layout, gain, whole)
    farthest = FARTHEST_MM * max(1.0, gain / MM_PER_MV)
    bases = [min(float(up[0].max()) + AIR_MM, farthest)]
    for upper, lower in zip(down[:-1], up[1:], strict=True):
        bases.append(bases[-1] + float(np.clip((upper + lower).max() + AIR_MM, NEAREST_MM, farthest)))
    height = bases[-1] + min(float(down[-1].max()) + AIR_MM, farthest)
    return RowPlaces(tuple(bases), height, tuple(names))


def _reaches(trace: Trace, layout: LeadLayout, gain: float, whole: bool) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Return how far each row reaches above and below its 0 mV by stretches of time, (rows, 1 + buckets) mm, and names.

    The first column is the margin with the name and the pulse of the row.
    """
    scale, seconds = mm_per_unit(trace, gain), trace.duration_s
    width = max(1, int(np.ceil(seconds / BUCKET_S)))
    up, down = np.full((layout.n_rows, 1 + width), AIR_MM), np.full((layout.n_rows, 1 + width), AIR_MM)
    up[:, 0] = max(NAME_MM, gain if trace.units == "mV" else 0.0)
    names = []
    for row, lead, start, end in cells(layout, seconds):
        at, amplitude = stretch(trace, lead, *((0.0, seconds) if whole else (start, end)))
        bucket = np.clip((at / BUCKET_S).astype(int), 0, width - 1)
        first, last = int(start / BUCKET_S), max(int(start / BUCKET_S) + 1, int(np.ceil(end / BUCKET_S)))
        above, below = _highest(amplitude * scale, bucket, width), _highest(-amplitude * scale, bucket, width)
        if whole:
            above[:], below[:] = above.max(), below.max()
        shown = slice(1 + first, 1 + last)
        up[row, shown] = np.maximum(up[row, shown], above[first:last])
        down[row, shown] = np.maximum(down[row, shown], below[first:last])
        names.append(-NAME_MM / 3 if start == 0 else _over(up[row], first))
    return up, down, names


def _over(up: np.ndarray, first: int) -> float:
    """Return the baseline of a name over the beginning of a cell, and raise what the row reaches there by the name."""
    covered = slice(1 + first, 1 + first + int(np.ceil(NAME_WIDTH_MM / MM_PER_S / BUCKET_S)))
    name = float(up[covered].max()) + AIR_MM / 2
    up[covered] = name + NAME_MM
    return name


def _highest(heights: np.ndarray, bucket: np.ndarray, width: int) -> np.ndarray:
    """Return the highest of each bucket and its two neighbours, at least 0, (width,); missing samples are left out.

    bucket : that of each height, in ascending order
    """
    found = np.zeros(width)
    if bucket.size:
        first = np.flatnonzero(np.diff(bucket, prepend=-1))
        found[bucket[first]] = np.maximum.reduceat(np.where(heights > 0, heights, 0.0), first)
    padded = np.pad(found, 1, mode="edge")
    highest: np.ndarray = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return highest


def stretch(trace: Trace, lead: str, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds and amplitude about the lead's median of one cell."""
    first, last = round(start * trace.fs), round(end * trace.fs)
    samples = trace.samples[trace.leads.index(recorded(lead))] * (-1 if lead.startswith(MINUS) else 1)
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
    places = row_places(trace, layout)
    gain, curves = mm_per_unit(trace), []
    for (row, lead, start, end), over in zip(cells(layout, trace.duration_s), places.names, strict=True):
        base, x = TOP + places.bases[row], LEFT + start * MM_PER_S
        at, amplitude = stretch(trace, lead, start, end)
        points = np.column_stack([LEFT + at * MM_PER_S, base - amplitude * gain])
        corner = (NAME_X_MM + (x if start else 0.0), base - over)
        curves.append(LeadCurve(recorded(lead), at, points, base, printed(lead), corner, x, start))
    calibrated = trace.units == "mV"
    pulses = [calibration_pulse(PULSE_MM, curve.base) for curve in curves if calibrated and curve.start == 0]
    width, height = LEFT + trace.duration_s * MM_PER_S + RIGHT, TOP + places.height + BOTTOM
    return EcgStrip(width, height, calibrated, layout, tuple(curves), tuple(pulses))


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
