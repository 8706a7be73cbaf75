"""What is known for sure of a study's findings: side, place, severity, where on the film, and what they measure.

It comes with the study, from the generator of a synthetic one or from readers who drew on it, as JSON in the cell
`reference_findings` of a manifest:

    [{"label": "Pleural Effusion", "kind": "pleural effusion", "side": "left", "place": "lower", "severity": 0.4,
      "polygons": [[[0.61, 0.7], [0.9, 0.66], [0.88, 0.93]]], "measured": {"ml": 450}, "words": "Small effusion."}]

Points are (across, down) as shares 0..1 of the film's width and height. `label` alone is needed. A value under
`measured` is in the unit that ends its name: `depth_mm`, `ml`; `ctr` is the cardiothoracic ratio.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import UsageError
from engine.measure import Point
from engine.study import Box

COLUMN = "reference_findings"  # of a manifest, and of what a study carries beside its known columns
CHECKED = "checked_labels"  # the column of those labels that the study shows by its cohort's checks, joined by ";"
NOTHING_CHECKED = "none"  # in that column, where the study shows none of its labels
SIDES = ("", "left", "right", "both")
MAX_FINDINGS, MAX_POLYGONS, MAX_POINTS, MAX_WORDS = 50, 20, 500, 500
DECIMALS = 4  # of a share as it is written: a fifth of a pixel of a film of 2,000

Polygon = tuple[Point, ...]


@dataclass(frozen=True)
class ReferenceFinding:
    """One finding of a study.

    label    : in the words of the study's labels; "" for what is no label, such as a side marker
    kind     : the finding by its plain name, where it is finer than the label
    side     : one of SIDES, of the patient
    place    : e.g. "lower"; "" where it is not stated
    severity : 0..1, None where it is not stated
    polygons : its outline in shares of the film; none where it has no place on it
    measured : name → value, the unit at the name's end
    words    : one sentence of a report, English
    """

    label: str
    kind: str = ""
    side: str = ""
    place: str = ""
    severity: float | None = None
    polygons: tuple[Polygon, ...] = ()
    measured: tuple[tuple[str, float], ...] = ()
    words: str = ""

    def measure(self, name: str) -> float | None:
        """Return a value of `measured`, None where it is not there."""
        return dict(self.measured).get(name)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The box around each polygon."""
        found = []
        for polygon in self.polygons:
            across, down = zip(*polygon, strict=True)
            found.append((min(across), min(down), max(across), max(down)))
        return tuple(found)

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        """Return (rows, columns) bool: the pixels of a film of this shape inside one of the polygons."""
        return mask_of(self.polygons, shape)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form, without what is not stated."""
        whole = {
            "label": self.label,
            "kind": self.kind,
            "side": self.side,
            "place": self.place,
            "severity": self.severity,
            "polygons": [[[round(x, DECIMALS), round(y, DECIMALS)] for x, y in one] for one in self.polygons],
            "measured": dict(self.measured),
            "words": self.words,
        }
        return {name: value for name, value in whole.items() if name == "label" or value not in ("", None, [], {})}


def mask_of(polygons: Sequence[Polygon], shape: tuple[int, int]) -> np.ndarray:
    """Return (rows, columns) bool: the pixels inside one of some polygons, whose points are shares 0..1."""
    from PIL import Image, ImageDraw

    rows, columns = shape
    image = Image.new("1", (columns, rows))
    draw = ImageDraw.Draw(image)
    for polygon in polygons:
        draw.polygon([(x * columns - 0.5, y * rows - 0.5) for x, y in polygon], fill=1)
    return np.asarray(image, dtype=bool)


def to_text(findings: Sequence[ReferenceFinding]) -> str:
    """Return findings as a cell of a manifest holds them."""
    return json.dumps([one.to_json() for one in findings], separators=(",", ":"))


def from_text(words: str) -> tuple[ReferenceFinding, ...]:
    """Return the findings of a cell; UsageError, one sentence, where it is no list of findings."""
    try:
        given = json.loads(words)
    except (ValueError, RecursionError) as error:
        raise UsageError("it is no JSON list of findings") from error
    if not isinstance(given, list) or len(given) > MAX_FINDINGS:
        raise UsageError(f"it is no JSON list of at most {MAX_FINDINGS} findings")
    return tuple(_finding(one) for one in given)


def findings_in(columns: Mapping[str, Any]) -> tuple[ReferenceFinding, ...]:
    """Return the findings among a study's further columns; none where there is no such column that can be read."""
    try:
        return from_text(str(columns[COLUMN]))
    except (KeyError, UsageError):
        return ()


def checked_in(columns: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the labels that a study shows by its cohort's checks; None where nothing is said of that."""
    if CHECKED not in columns:
        return None
    return frozenset(label for label in map(str.strip, str(columns[CHECKED]).split(";")) if label)


def of_label(findings: Sequence[ReferenceFinding], label: str) -> tuple[ReferenceFinding, ...]:
    """Return those of the findings that carry a label and have a place on the film."""
    return tuple(one for one in findings if one.label == label and one.polygons)


def _finding(given: object) -> ReferenceFinding:
    if not isinstance(given, dict) or not isinstance(given.get("label"), str):
        raise UsageError("one of its findings has no label")
    words = {name: _words(given, name) for name in ("label", "kind", "side", "place", "words")}
    if words["side"] not in SIDES:
        raise UsageError(f"the side of a finding is one of {', '.join(SIDES[1:])}")
    polygons, measured = given.get("polygons") or [], given.get("measured") or {}
    if not isinstance(polygons, list) or len(polygons) > MAX_POLYGONS:
        raise UsageError(f"a finding has at most {MAX_POLYGONS} polygons")
    if not isinstance(measured, dict):
        raise UsageError("what a finding measures is an object of names and numbers")
    severity = given.get("severity")
    return ReferenceFinding(
        **words,
        severity=None if severity is None else _number(severity),
        polygons=tuple(_polygon(one) for one in polygons),
        measured=tuple((name, _number(value)) for name, value in measured.items()),
    )


def _words(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_WORDS:
        raise UsageError(f"the {name} of a finding is text of at most {MAX_WORDS} characters")
    return value


def _polygon(given: object) -> Polygon:
    if not isinstance(given, list) or not 3 <= len(given) <= MAX_POINTS:
        raise UsageError(f"a polygon has 3 to {MAX_POINTS} points")
    return tuple(_point(one) for one in given)


def _point(given: object) -> Point:
    if not isinstance(given, list) or len(given) != 2:
        raise UsageError("a point of a polygon is a pair of numbers")
    across, down = (_number(one) for one in given)
    if not (0 <= across <= 1 and 0 <= down <= 1):
        raise UsageError("a point of a polygon is a pair of shares from 0 to 1")
    return across, down


def _number(given: object) -> float:
    """Return a finite number; UsageError for anything else."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise UsageError("severities, points and measures of findings are numbers")
    return float(given)
