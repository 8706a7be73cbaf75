"""A drawing in millimetres, independent of where it is printed: lines and words; drawn on PDF pages and in pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

INK = "#14202B"
CAPTION_MM = 13.0  # from the left edge


@dataclass(frozen=True, eq=False)
class Curve:
    """One line through points, (n, 2) mm; NaN lifts the pen."""

    points: np.ndarray
    colour: str
    width: float


@dataclass(frozen=True, eq=False)
class Segments:
    """Separate straight lines, (n, 4) mm: x0, y0, x1, y1."""

    ends: np.ndarray
    colour: str
    width: float


@dataclass(frozen=True)
class Word:
    """Words whose baseline begins at (x, y) mm; `size` is the height of the letters' body in mm."""

    x: float
    y: float
    words: str
    size: float
    colour: str
    bold: bool = False


@dataclass(eq=False)
class Sheet:
    """A drawing of width × height mm, with y downwards, on a background colour.

    alt     : says it in words
    caption : the line at its foot for a print at a scale, 1 being true size, or for a picture of unknown size (None)
    """

    width: float
    height: float
    background: str
    caption: Callable[[float | None], str]
    alt: str = ""
    segments: list[Segments] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)

    def captioned(self, scale: float | None) -> list[Word]:
        """Return all words, with the caption as it holds at this scale."""
        return [*self.words, Word(CAPTION_MM, self.height - 2.2, self.caption(scale), 3.4, INK)]


def thinned(points: np.ndarray, step: float) -> np.ndarray:
    """Return the curve, (n, 2), with the lowest and highest point of every `step` mm only, in their order."""
    if len(points) < 4 or step <= 0:
        return points
    column = np.floor((points[:, 0] - points[0, 0]) / step).astype(int)
    edges = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    if len(edges) * 2 >= len(points):
        return points
    kept: list[int] = []
    for first, last in zip(edges.tolist(), [*edges[1:].tolist(), len(points)], strict=True):
        stretch = points[first:last, 1]
        if np.isnan(stretch).all():
            kept.append(first)
            continue
        kept += sorted({first + int(np.nanargmin(stretch)), first + int(np.nanargmax(stretch))})
    return points[kept]


def runs(points: np.ndarray) -> list[np.ndarray]:
    """Return the stretches of a curve between its gaps, each (≥2, 2)."""
    whole = np.isfinite(points).all(axis=1)
    edges = np.flatnonzero(np.diff(whole.astype(int), prepend=0, append=0))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [points[first:last] for first, last in pairs if last - first > 1]


def onto_axes(axes: Any, sheet: Sheet) -> None:
    """Draw on matplotlib axes, which then measure millimetres; line widths and letters scale with the axes."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    axes.set_xlim(0, sheet.width)
    axes.set_ylim(sheet.height, 0)
    axes.set_aspect("equal", anchor="C")
    axes.set_axis_off()
    axes.apply_aspect()
    box = axes.get_window_extent()
    points_per_mm = box.width * 72.0 / axes.figure.dpi / sheet.width
    axes.add_patch(Rectangle((0, 0), sheet.width, sheet.height, facecolor=sheet.background, zorder=0))
    for group in sheet.segments:
        lines = group.ends.reshape(-1, 2, 2)
        axes.add_collection(
            LineCollection(list(lines), colors=group.colour, linewidths=group.width * points_per_mm, zorder=1)
        )
    for curve in sheet.curves:
        x, y = curve.points.T
        axes.plot(x, y, color=curve.colour, linewidth=curve.width * points_per_mm, zorder=2, solid_joinstyle="round")
    for word in sheet.captioned(None):
        axes.text(
            word.x,
            word.y,
            word.words,
            fontsize=word.size * points_per_mm,
            color=word.colour,
            zorder=3,
            weight="bold" if word.bold else "normal",
            parse_math=False,
        )
