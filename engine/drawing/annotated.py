"""Annotations on films and on trace paper, where they were drawn, each with its words; and their words alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.annotation import Annotation
from engine.drawing.film import font_of
from engine.drawing.fonts import printable_line
from engine.drawing.sheet import Curve, Sheet, Word
from engine.drawing.trace_sheet import LeadStretch
from engine.measure import Measured, Point
from engine.strings import text
from engine.study import Film

COLOUR, EDGE = (255, 214, 10), (0, 0, 0)  # on films: yellow with a black edge, legible on lung and on bone
PAPER_COLOUR = "#7a1fa2"  # on paper: violet, legible on its red grid and unlike the trace
LINE_SHARE, LETTER_SHARE = 1 / 420, 1 / 40  # width of a line and height of letters, of the picture's longer side
FINER = 2  # drawn so many times larger, then made smaller, so that slanting lines are smooth
ELLIPSE_POINTS = 72
TIP_SHARE = 0.03  # length of an arrow's tip, of the picture's longer side
LINE_MM, LETTER_MM, TICK_MM, TIP_MM = 0.45, 4.0, 3.0, 3.5
SHORT = 60  # characters of words beside a line
DECIMALS = {"mm": 1, "%": 1, "1": 2, "deg": 0, "mm2": 0, "ms": 0, "mV": 2, "/min": 0, "s": 2}


def measured_words(measured: Measured) -> str:
    """Return a value with its unit, e.g. "44.6 mm"."""
    value = f"{measured.value:.{DECIMALS[measured.unit]}f}"
    return text(f"annotation.unit_{_unit_key(measured.unit)}", value=value)


def annotation_words(one: Annotation) -> str:
    """Return what an annotation says: its value and its text, "" where it has none."""
    value = "" if one.measured is None else measured_words(one.measured)
    named = text("annotation.ctr", value=value) if one.kind == "ctr" and value else value
    return " · ".join(part for part in (named, printable_line(one.text, 200)) if part)


def listed_words(annotations: Sequence[Annotation]) -> str:
    """Return all annotations in one line, each with its kind, "" for none."""
    return text("annotation.listed", all="; ".join(_in_list(one) for one in annotations)) if annotations else ""


def _in_list(one: Annotation) -> str:
    value = "" if one.measured is None else measured_words(one.measured)
    words = text(f"annotation.kind_{one.shape or one.kind}"), value, one.lead, printable_line(one.text, 200)
    return " ".join(part for part in words if part)


def _unit_key(unit: str) -> str:
    return {"%": "share", "1": "ratio", "/min": "rate"}.get(unit, unit)


def on_film(pixels: np.ndarray, film: Film, annotations: Sequence[Annotation]) -> np.ndarray:
    """Return a picture of a film with annotations, (h, w, 3) uint8; as it is, (h, w), where there are none.

    pixels : (h, w) uint8, the whole film at any size
    """
    if not annotations:
        return pixels
    from PIL import Image, ImageDraw

    height, width = pixels.shape[:2]
    scale = np.array([width / film.pixels.shape[1], height / film.pixels.shape[0]]) * FINER
    longer = max(height, width) * FINER
    layer = Image.new("RGBA", (width * FINER, height * FINER), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    pen = max(2, round(longer * LINE_SHARE))
    lines = [line * scale for one in annotations for line in film_lines(one, longer * TIP_SHARE / float(scale.mean()))]
    for colour, thick in ((EDGE, 2 * pen), (COLOUR, pen)):
        for line in lines:
            draw.line([tuple(point) for point in line], fill=(*colour, 255), width=thick, joint="curve")
    font = font_of(max(9 * FINER, round(longer * LETTER_SHARE)))
    for one in annotations:
        if words := printable_line(annotation_words(one), SHORT):
            left, top, right, bottom = draw.textbbox((0, 0), words, font=font, stroke_width=pen)
            x, y = np.array(_word_place(one)) * scale + pen * 3
            x = min(max(x, 0), layer.width - (right - left) - pen)
            y = min(max(y, 0), layer.height - (bottom - top) - pen)
            draw.text((x - left, y - top), words, fill=(*COLOUR, 255), font=font, stroke_width=pen, stroke_fill=EDGE)
    picture = Image.fromarray(pixels).convert("RGBA")
    picture.alpha_composite(layer.resize((width, height), Image.Resampling.LANCZOS))
    return np.asarray(picture.convert("RGB"))


def film_lines(one: Annotation, tip: float) -> list[np.ndarray]:
    """Return the strokes of an annotation, each (n, 2) in pixels of the film; `tip` is the length of an arrow's tip."""
    points = np.array(one.points, float)
    if one.kind == "text":
        return []
    if one.kind == "arrow":
        return [points, _tip(points[0], points[1], tip)]
    if one.kind == "region":
        return [_outline(one.shape, points)]
    if one.kind in ("ctr", "angle") and len(points) == 4:
        return [points[:2], points[2:]]
    if one.kind == "angle":
        return [points]
    return [points, *(_tick(points, end, tip / 2) for end in (0, 1))]


def _outline(shape: str, points: np.ndarray) -> np.ndarray:
    """Return the closed outline of a region, (n, 2)."""
    if shape == "polygon":
        return np.vstack([points, points[:1]])
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    if shape == "box":
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
    turn = np.linspace(0, 2 * math.pi, ELLIPSE_POINTS + 1)
    middle, half = points.mean(axis=0), np.array([right - left, bottom - top]) / 2
    return np.asarray(middle + half * np.column_stack([np.cos(turn), np.sin(turn)]))


def _tip(tail: np.ndarray, end: np.ndarray, length: float) -> np.ndarray:
    """Return the two strokes of an arrow's tip as one line, (3, 2)."""
    turn = math.atan2(end[1] - tail[1], end[0] - tail[0])
    sides = [end - length * np.array([math.cos(turn + side), math.sin(turn + side)]) for side in (0.45, -0.45)]
    return np.array([sides[0], end, sides[1]])


def _tick(points: np.ndarray, end: int, half: float) -> np.ndarray:
    """Return the short line across an end of a ruler, (2, 2)."""
    along = points[1] - points[0]
    length = float(np.hypot(*along)) or 1.0
    across = np.array([-along[1], along[0]]) / length * half
    return np.array([points[end] - across, points[end] + across])


def _word_place(one: Annotation) -> Point:
    """Return where the words of an annotation begin, in pixels of the film."""
    if one.kind in ("text", "arrow"):
        return one.points[0]
    if one.kind == "region":
        return min(x for x, _ in one.points), max(y for _, y in one.points)
    if one.kind == "angle":
        return one.points[1]
    return max(one.points)


def onto_sheet(
    sheet: Sheet, panels: Sequence[LeadStretch], annotations: Sequence[Annotation], start_s: float = 0.0
) -> list[Annotation]:
    """Add annotations to a trace's paper; return those whose stretch of their lead is not on it.

    panels  : of `trace_panels`, where the leads lie
    start_s : second of the recording at which the paper begins
    """
    left = []
    for one in annotations:
        points = [(x - start_s, y) for x, y in one.points]
        panel = _panel(panels, one.lead, [x for x, _ in points])
        if panel is None:
            left.append(one)
            continue
        lines, place = _paper_lines(one, panel, np.array([panel.at(*point) for point in points]))
        sheet.curves += [Curve(line, PAPER_COLOUR, LINE_MM) for line in lines]
        if words := printable_line(annotation_words(one), SHORT):
            sheet.words.append(Word(*place, words, LETTER_MM, PAPER_COLOUR, bold=True))
    return left


def _panel(panels: Sequence[LeadStretch], lead: str, seconds: Sequence[float]) -> LeadStretch | None:
    """Return the panel that shows all the moments of a lead; of any lead, the longest, where none is named."""
    shown = [
        one
        for one in panels
        if (not lead or one.lead == lead) and one.start_s <= min(seconds) <= max(seconds) <= one.end_s
    ]
    return max(shown, key=lambda one: one.end_s - one.start_s, default=None)


def _paper_lines(one: Annotation, panel: LeadStretch, ends: np.ndarray) -> tuple[list[np.ndarray], Point]:
    """Return the strokes of an annotation, (n, 2) mm, and where its words begin. ends: (n, 2) mm, its points"""
    if one.kind == "text":
        return [], (float(ends[0, 0]), float(ends[0, 1]))
    if one.kind == "arrow":
        return [ends, _tip(ends[0], ends[1], TIP_MM)], (float(ends[0, 0]) + 1, float(ends[0, 1]))
    (x0, y0), (x1, y1) = ends
    if one.kind == "stretch":
        y0 = y1 = panel.base - TICK_MM
    top, low = min(y0, y1) - TICK_MM / 2, max(y0, y1) + TICK_MM / 2
    level = y0 if one.kind == "stretch" else top
    lines = [np.array([(x, top), (x, low)]) for x in (x0, x1)] + [np.array([(x0, level), (x1, level)])]
    if one.kind == "caliper" and abs(y1 - y0) > 0:
        lines += [np.array([(min(x0, x1), y), (max(x0, x1), y)]) for y in (y0, y1)]
    return lines, (float(min(x0, x1)) + 0.5, float(top) - 0.8)
