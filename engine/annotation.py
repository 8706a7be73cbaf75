"""What a person drew on a film or a trace, and what it measures; its JSON form is that of the viewer in the browser.

    {"id": "…", "kind": "ruler", "points": [[12.5, 40], [310, 44]], "text": "", "lead": "", "shape": "",
     "measured": {"value": 44.6, "unit": "mm"}}

Points of a film are (column, row) in pixels of the stored film: (0, 0) is the upper left corner of its first pixel, as
in DICOM's SCOORD (PS3.3 C.18.6). Points of a trace are (seconds from the start of the stored recording, amplitude about
the lead's median, where its zero line is drawn, in the recording's units). Values are measured here, from the points;
the browser's own are for the eye while it draws.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine import plain_text
from engine.errors import UsageError, brief
from engine.measure import Canvas, FilmCanvas, Measured, Point, TraceCanvas, measurements

FILM_KINDS = ("ruler", "ctr", "angle", "arrow", "region", "text")
TRACE_KINDS = ("caliper", "stretch", "arrow", "text")
SHAPES = ("box", "ellipse", "polygon")  # of a region
POINTS = {  # kind or shape → fewest and most points
    "ruler": (2, 2),
    "ctr": (4, 4),
    "angle": (3, 4),
    "arrow": (2, 2),
    "text": (1, 1),
    "caliper": (2, 2),
    "stretch": (2, 2),
    "box": (2, 2),
    "ellipse": (2, 2),
    "polygon": (3, 500),
}
MAX_TEXT = 500  # characters
MAX_SIGNAL = 1e5  # of a point on a trace, in its units
SLACK = 1.0  # pixels, or tenths of a second, by which a point may lie beside the picture; it is moved to the edge
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Annotation:
    """One thing that one person drew on one study or stored query.

    author     : the name of the actor who drew it
    kind       : one of FILM_KINDS or TRACE_KINDS
    points     : ruler, caliper, stretch: the two ends; arrow: tail, tip; text: its place; angle: three points with the
                 vertex in the middle, or the ends of two lines; ctr: the ends of the heart's line, then of the chest's;
                 box and ellipse: two opposite corners of the box around it; polygon: its corners
    shape      : of a region, one of SHAPES; else ""
    lead       : of a trace, the lead on which it was drawn; "" for all of them
    measured   : the value that stands first, or None where nothing is measured
    changed_at : UTC; equal to `made_at` until it is changed
    """

    annotation_id: str
    study_id: str
    author: str
    kind: str
    points: tuple[Point, ...]
    shape: str = ""
    text: str = ""
    lead: str = ""
    measured: Measured | None = None
    made_at: datetime | None = None
    changed_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form of the viewer in the browser, with author and moments."""
        measured = self.measured and {"value": self.measured.value, "unit": self.measured.unit}
        return {
            "id": self.annotation_id,
            "kind": self.kind,
            "shape": self.shape,
            "points": [list(point) for point in self.points],
            "text": self.text,
            "lead": self.lead,
            "measured": measured,
            "author": self.author,
            "made_at": self.made_at and self.made_at.isoformat(),
            "changed_at": self.changed_at and self.changed_at.isoformat(),
        }


def from_json(given: object, canvas: Canvas, *, study_id: str, author: str) -> Annotation:
    """Return the annotation that the viewer sent, checked and measured; it gets an id where it has none.

    canvas : of the study that it was drawn on
    Raises UsageError, one sentence, where it cannot stand; keys that are not known are left aside.
    """
    if not isinstance(given, Mapping):
        raise UsageError("An annotation is an object with kind and points: this one is none.")
    kind = _word(given, "kind")
    kinds = FILM_KINDS if isinstance(canvas, FilmCanvas) else TRACE_KINDS
    if kind not in kinds:
        raise UsageError(f"There is no annotation '{brief(kind)}' on this picture: use {', '.join(kinds)}.")
    points = _points(given.get("points"), canvas)
    shape = _shape(given, kind, len(points))
    fewest, most = POINTS[shape or kind]
    if not fewest <= len(points) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise UsageError(f"A {shape or kind} has {wanted} points and {len(points)} came: draw it again.")
    return Annotation(
        annotation_id=_id(given),
        study_id=study_id,
        author=author,
        kind=kind,
        points=points,
        shape=shape,
        text=_text(given),
        lead=_lead(given, canvas),
        measured=_measured(given, measurements(kind, shape, points, canvas)),
    )


def _word(given: Mapping[Any, Any], name: str) -> str:
    """Return a value that is a word, "" where there is none."""
    value = given.get(name) or ""
    if not isinstance(value, str):
        raise UsageError(f"The {name} of an annotation is a word: this one is not.")
    return value


def _id(given: Mapping[Any, Any]) -> str:
    found = _word(given, "id") or uuid.uuid4().hex
    if not ID.fullmatch(found):
        raise UsageError("The id of an annotation has 1 to 64 letters, digits, - and _: this one has others.")
    return found


def _text(given: Mapping[Any, Any]) -> str:
    words = _word(given, "text")
    if len(words) > MAX_TEXT:
        raise UsageError(f"The text has {len(words)} characters and {MAX_TEXT} fit: shorten it.")
    return plain_text.paragraphs(words)


def _lead(given: Mapping[Any, Any], canvas: Canvas) -> str:
    lead = _word(given, "lead")
    known = canvas.leads if isinstance(canvas, TraceCanvas) else ()
    if lead and lead not in known:
        raise UsageError(f"This picture has no lead '{brief(lead)}': draw on one that it has.")
    return lead


def _shape(given: Mapping[Any, Any], kind: str, n: int) -> str:
    """Return the shape of a region: as named, else by the number of its points."""
    if kind != "region":
        return ""
    shape = _word(given, "shape") or ("box" if n == 2 else "polygon")
    if shape not in SHAPES:
        raise UsageError(f"There is no region '{brief(shape)}': use {', '.join(SHAPES)}.")
    return shape


def _points(given: object, canvas: Canvas) -> tuple[Point, ...]:
    """Return the points inside the picture; those just beside it are moved to its edge."""
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise UsageError("The points of an annotation are a list of pairs of numbers: these are none.")
    most = max(most for _, most in POINTS.values())
    if len(given) > most:
        raise UsageError(f"An annotation has at most {most} points and {len(given)} came: draw it more coarsely.")
    return tuple(_point(one, canvas) for one in given)


def _point(given: object, canvas: Canvas) -> Point:
    pair = list(given) if isinstance(given, Sequence) and not isinstance(given, str | bytes) and len(given) == 2 else []
    if len(pair) != 2 or any(isinstance(one, bool) or not isinstance(one, int | float) for one in pair):
        raise UsageError("A point of an annotation is a pair of numbers: one of these is none.")
    try:
        x, y = (float(one) for one in pair)
    except OverflowError:
        x = y = math.inf
    (left, right), (low, high), slack = _limits(canvas)
    if not (left - slack <= x <= right + slack and low - slack <= y <= high + slack):
        raise UsageError("A point of the annotation lies outside the picture: draw it again.")  # NaN as well
    return min(max(x, left), right), min(max(y, low), high)


def _limits(canvas: Canvas) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Return the range of the first and of the second coordinate, and how far beside them a point may lie."""
    if isinstance(canvas, FilmCanvas):
        return (0.0, float(canvas.columns)), (0.0, float(canvas.rows)), SLACK
    return (0.0, canvas.duration_s), (-MAX_SIGNAL, MAX_SIGNAL), SLACK / 10


def _measured(given: Mapping[Any, Any], found: Sequence[Measured]) -> Measured | None:
    """Return the value that stands first: the one in the unit that was asked for, else the usual one."""
    asked = given.get("measured")
    unit = asked.get("unit") if isinstance(asked, Mapping) else None
    return next((one for one in found if one.unit == unit), found[0] if found else None)
