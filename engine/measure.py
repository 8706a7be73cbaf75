"""What lines and regions measure: lengths, ratios and angles of a film, times and voltages of a trace.

A film with a spacing is measured in mm at the detector, each direction by its own spacing; one without is measured in
per cent of its width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import UsageError
from engine.study import Film, Note, Trace

Point = tuple[float, float]
UNITS = ("mm", "%", "1", "deg", "mm2", "ms", "mV", "/min", "s")  # UCUM; % is of the width of the film


@dataclass(frozen=True)
class Measured:
    """A value with its unit, one of UNITS."""

    value: float
    unit: str


@dataclass(frozen=True)
class FilmCanvas:
    """The pixels of a film; `spacing_mm` is (row, column) mm per pixel at the detector, None where unknown."""

    columns: int
    rows: int
    spacing_mm: tuple[float, float] | None = None


@dataclass(frozen=True)
class TraceCanvas:
    """The length of a trace in seconds, its leads and the units of its samples."""

    duration_s: float
    leads: tuple[str, ...]
    units: str


Canvas = FilmCanvas | TraceCanvas


def canvas_of(content: Film | Trace | Note) -> Canvas:
    """Return where on a film or trace can be drawn; UsageError for a text."""
    if isinstance(content, Film):
        rows, columns = content.pixels.shape[:2]
        return FilmCanvas(columns, rows, content.spacing_mm)
    if isinstance(content, Trace):
        return TraceCanvas(content.duration_s, content.leads, content.units)
    raise UsageError("A text has no picture to draw on: choose a film or a recording.")


def measurements(kind: str, shape: str, points: Sequence[Point], canvas: Canvas) -> tuple[Measured, ...]:
    """Return everything that an annotation measures, what is usually wanted first; nothing for arrow and text.

    kind, shape : as in engine.annotation
    """
    if isinstance(canvas, TraceCanvas):
        return _of_trace(kind, points, canvas)
    if kind == "ruler":
        return (_length(points[0], points[1], canvas),)
    if kind == "ctr":
        chest = _distance(points[2], points[3], canvas)
        return (Measured(_distance(points[0], points[1], canvas) / chest, "1"),) if chest > 0 else ()
    if kind == "angle":
        degrees = _angle(points, canvas)
        return () if degrees is None else (Measured(degrees, "deg"),)
    if kind == "region" and canvas.spacing_mm is not None:
        return (Measured(_area(shape, points, canvas), "mm2"),)
    return ()


def _of_trace(kind: str, points: Sequence[Point], canvas: TraceCanvas) -> tuple[Measured, ...]:
    if kind == "stretch":
        return (Measured(abs(points[1][0] - points[0][0]), "s"),)
    if kind != "caliper":
        return ()
    seconds, volts = abs(points[1][0] - points[0][0]), abs(points[1][1] - points[0][1])
    times = (Measured(1000 * seconds, "ms"), Measured(60 / seconds, "/min")) if seconds > 0 else ()
    voltage = (Measured(volts, "mV"),) if canvas.units == "mV" and volts > 0 else ()
    return (*times[:1], *voltage, *times[1:])


def _scaled(point: Point, canvas: FilmCanvas) -> Point:
    """Return a point in mm, or in pixels where the spacing is unknown."""
    row_mm, column_mm = canvas.spacing_mm or (1.0, 1.0)
    return point[0] * column_mm, point[1] * row_mm


def _distance(one: Point, other: Point, canvas: FilmCanvas) -> float:
    return math.dist(_scaled(one, canvas), _scaled(other, canvas))


def _length(one: Point, other: Point, canvas: FilmCanvas) -> Measured:
    distance = _distance(one, other, canvas)
    return Measured(100 * distance / canvas.columns, "%") if canvas.spacing_mm is None else Measured(distance, "mm")


def _angle(points: Sequence[Point], canvas: FilmCanvas) -> float | None:
    """Return degrees: 0 to 180 at the vertex of three points, 0 to 90 between two lines; None where a line is a point.

    The angle between two lines is that of Cobb, whichever way they were drawn.
    """
    scaled = [_scaled(point, canvas) for point in points]
    ends = [(scaled[1], scaled[0]), (scaled[1], scaled[2])] if len(scaled) == 3 else [scaled[:2], scaled[2:]]
    (ax, ay), (bx, by) = ((end[0] - start[0], end[1] - start[1]) for start, end in ends)
    cross, dot = ax * by - ay * bx, ax * bx + ay * by
    if not (ax or ay) or not (bx or by):
        return None
    return math.degrees(math.atan2(abs(cross), dot if len(scaled) == 3 else abs(dot)))


def _area(shape: str, points: Sequence[Point], canvas: FilmCanvas) -> float:
    """Return mm²; a polygon's by the shoelace formula."""
    scaled = [_scaled(point, canvas) for point in points]
    if shape == "polygon":
        turned = [*scaled[1:], scaled[0]]
        return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(scaled, turned, strict=True))) / 2
    box = abs(scaled[1][0] - scaled[0][0]) * abs(scaled[1][1] - scaled[0][1])
    return box * math.pi / 4 if shape == "ellipse" else box
