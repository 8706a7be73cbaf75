"""What a person drew on a film beside what is known for sure of it: overlap, distance, and difference of measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.annotation import Annotation
from engine.measure import FilmCanvas, Measured, Point, measurements
from engine.reference import Polygon, ReferenceFinding, mask_of

GRID = 256  # rows and columns on which areas are compared
ELLIPSE_POINTS = 48
NEAR = 0.1  # of the film, by which a ruler's middle may lie outside of the box around what it measures
LENGTHS = ("size_mm", "depth_mm")  # what a ruler on a finding measures, of those that are known


@dataclass(frozen=True)
class AnnotationCheck:
    """One annotation beside the finding that it is nearest to.

    overlap    : of a region: the area that both share, as a share of what they cover together (Jaccard)
    apart      : of a region: from its middle to the finding's
    difference : of a cardiothoracic ratio or a ruler: what was measured less what is known
    """

    annotation: Annotation
    finding: ReferenceFinding
    overlap: float | None = None
    apart: Measured | None = None
    difference: Measured | None = None


def check_annotations(
    annotations: Sequence[Annotation], findings: Sequence[ReferenceFinding], canvas: FilmCanvas
) -> list[AnnotationCheck]:
    """Return the check of each annotation that can be compared with a finding, in their order."""
    found = (_check(one, findings, canvas) for one in annotations)
    return [one for one in found if one is not None]


def _check(one: Annotation, findings: Sequence[ReferenceFinding], canvas: FilmCanvas) -> AnnotationCheck | None:
    if one.kind == "region":
        return _region(one, [finding for finding in findings if finding.polygons], canvas)
    if one.kind == "ctr":
        return _measure(one, findings, ("ctr",))
    if one.kind == "ruler" and canvas.spacing_mm is not None:
        return _measure(one, [finding for finding in findings if _is_near(one, finding, canvas)], LENGTHS)
    return None


def _region(one: Annotation, findings: Sequence[ReferenceFinding], canvas: FilmCanvas) -> AnnotationCheck | None:
    """Return the check of a region with the finding that it shares most with, else the one whose middle is nearest."""
    drawn = mask_of([_outline(one, canvas)], (GRID, GRID))
    if not findings or not drawn.any():
        return None
    checks = [_overlap(one, drawn, finding, canvas) for finding in findings]
    return max(checks, key=lambda check: (check.overlap or 0.0, -(check.apart.value if check.apart else math.inf)))


def _overlap(one: Annotation, drawn: np.ndarray, finding: ReferenceFinding, canvas: FilmCanvas) -> AnnotationCheck:
    known = finding.mask((GRID, GRID))
    share = float((drawn & known).sum() / max(1, (drawn | known).sum()))
    ends = tuple(_middle(mask, canvas) for mask in (drawn, known)) if known.any() else ()
    apart = measurements("ruler", "", ends, canvas)[0] if ends else None
    return AnnotationCheck(one, finding, overlap=share, apart=apart)


def _middle(mask: np.ndarray, canvas: FilmCanvas) -> Point:
    """Return the middle of a mask in pixels of the film."""
    rows, columns = (float(where.mean() + 0.5) / GRID for where in mask.nonzero())
    return columns * canvas.columns, rows * canvas.rows


def _measure(one: Annotation, findings: Sequence[ReferenceFinding], names: Sequence[str]) -> AnnotationCheck | None:
    """Return the check of a measured value with the first finding for which one of these measures is known."""
    if one.measured is None:
        return None
    for finding in findings:
        for known in (finding.measure(name) for name in names):
            if known is not None:
                less = Measured(one.measured.value - known, one.measured.unit)
                return AnnotationCheck(one, finding, difference=less)
    return None


def _is_near(one: Annotation, finding: ReferenceFinding, canvas: FilmCanvas) -> bool:
    across, down = (sum(ends) / 2 for ends in zip(*one.points, strict=True))
    x, y = across / canvas.columns, down / canvas.rows
    return any(
        left - NEAR <= x <= right + NEAR and top - NEAR <= y <= bottom + NEAR
        for left, top, right, bottom in finding.boxes
    )


def _outline(one: Annotation, canvas: FilmCanvas) -> Polygon:
    """Return the outline of a region in shares of the film."""
    points = [(x / canvas.columns, y / canvas.rows) for x, y in one.points]
    if one.shape == "polygon":
        return tuple(points)
    (left, right), (top, bottom) = (sorted(ends) for ends in zip(*points, strict=True))
    if one.shape == "box":
        return (left, top), (right, top), (right, bottom), (left, bottom)
    middle, half = ((left + right) / 2, (top + bottom) / 2), ((right - left) / 2, (bottom - top) / 2)
    turns = [2 * math.pi * step / ELLIPSE_POINTS for step in range(ELLIPSE_POINTS)]
    return tuple((middle[0] + half[0] * math.cos(turn), middle[1] + half[1] * math.sin(turn)) for turn in turns)
