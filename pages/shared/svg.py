"""The few SVG shapes that trace drawings need. Every length is in millimetres of paper."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.drawing.palette import Paper, hex_of
from engine.drawing.signed_colours import colour as signed_colour

LEVELS = 6  # steps of an attribution's magnitude; below half a step nothing is drawn
DASH = "1.4 1.5"  # dashes mark the negative sign, so that it never rests on colour alone


def document(width: float, height: float, parts: list[str]) -> str:
    """Wrap parts into one SVG that scales to its container and keeps its squares square."""
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width * 4:g}" '
        f'height="{height * 4:g}" font-family="sans-serif">{body}</svg>'
    )


def stamped(drawing: str, word: str, colour: str) -> str:
    """Return an SVG with a word over its upper right corner; no word leaves it as it is."""
    if not word:
        return drawing
    text = f'<text x="99%" y="3.6" font-size="3.6" font-weight="bold" text-anchor="end" fill="{colour}">{word}</text>'
    return drawing.removesuffix("</svg>") + text + "</svg>"


def grid(width: float, height: float, paper: Paper, *, horizontal: bool, minor: bool, left: float, top: float) -> str:
    """Return paper with lines every 5 mm and, with `minor`, every 1 mm; only time lines unless `horizontal`."""
    layers = [f'<rect width="{width:g}" height="{height:g}" fill="{paper.background}"/>']
    for step, colour, stroke in ((1, paper.minor, 0.12), (5, paper.major, 0.2)):
        if step == 1 and not minor:
            continue
        across = f" M0 0H{step}" if horizontal else ""
        layers.append(
            f'<defs><pattern id="g{step}" width="{step}" height="{step}" patternUnits="userSpaceOnUse" '
            f'x="{left % step:g}" y="{top % step:g}"><path d="M0 0V{step}{across}" stroke="{colour}" '
            f'stroke-width="{2 * stroke:g}" fill="none"/></pattern></defs>'
            f'<rect width="{width:g}" height="{height:g}" fill="url(#g{step})"/>'
        )
    return "".join(layers)


def _stretches(mask: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _points(x: np.ndarray, y: np.ndarray) -> str:
    points = np.column_stack((x, y)).ravel().tolist()
    return " ".join(["%.2f,%.2f"] * len(x)) % tuple(points)  # all at once: in half the time of point by point


def curve(x: np.ndarray, y: np.ndarray, colour: str, width: float) -> str:
    """Return a curve through (x, y), broken where y is not finite."""
    lines = [f'<polyline points="{_points(x[a:b], y[a:b])}"/>' for a, b in _stretches(np.isfinite(y)) if b - a > 1]
    attributes = f'fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linejoin="round"'
    return f"<g {attributes}>{''.join(lines)}</g>"


def highlight(x: np.ndarray, y: np.ndarray, values: np.ndarray, opacity: float) -> str:
    """Return bands along a curve for signed values in -1..1: wider is stronger, dashed is negative."""
    level = np.rint(np.clip(values, -1, 1) * LEVELS).astype(int)
    level[~np.isfinite(y)] = 0
    parts = []
    for step in sorted(set(level.tolist()) - {0}, key=abs):
        colour = hex_of(signed_colour(np.array(step / LEVELS), 1.0))
        dash = f' stroke-dasharray="{DASH}"' if step < 0 else ""
        width = 0.9 + 1.7 * abs(step) / LEVELS
        runs = [(max(a - 1, 0), min(b + 1, len(x))) for a, b in _stretches(level == step)]
        lines = "".join(f'<polyline points="{_points(x[a:b], y[a:b])}"/>' for a, b in runs)
        strength = (abs(step) / LEVELS) ** 0.6
        parts.append(f'<g stroke="{colour}" stroke-width="{width:.2f}" opacity="{strength:.2f}"{dash}>{lines}</g>')
    return f'<g fill="none" stroke-linecap="butt" opacity="{opacity:g}">{"".join(parts)}</g>'


def label(
    x: float, y: float, words: str, colour: str, *, size: float = 3.6, anchor: str = "start", halo: str = ""
) -> str:
    """Return one line of text with its baseline at (x, y); `halo` is the colour of an outline that keeps it legible."""
    safe = words.replace("&", "&amp;").replace("<", "&lt;")
    outline = f' stroke="{halo}" stroke-width="{size / 4:g}" paint-order="stroke"' if halo else ""
    place = f'x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}"{outline}>{safe}</text>'
