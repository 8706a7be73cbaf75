"""The overlay's scale: signs in words, colour and pattern, zero in the middle."""

from __future__ import annotations

import numpy as np

from engine.drawing.palette import Paper, hex_of
from engine.drawing.signed_colours import colour
from engine.strings import text
from pages.shared import svg

WIDTH, HEIGHT, BAR = 160.0, 13.0, 5.0  # mm
STEPS = 48


def legend_svg(paper: Paper, *, pattern: str) -> str:
    """Return the scale as SVG. pattern: "striped" or "dashed", how the negative half is drawn."""
    at = np.linspace(-1, 1, STEPS)
    step = WIDTH / STEPS
    parts = [f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="{paper.background}"/>']
    for i, value in enumerate(at):
        gap = 0.35 if value < 0 else 0.0
        parts.append(
            f'<rect x="{i * step:.2f}" width="{step * (1 - gap) + 0.02:.2f}" height="{BAR:g}" '
            f'fill="{hex_of(colour(value, 1.0))}" opacity="{abs(value) ** 0.8:.2f}"/>'
        )
    line = BAR + 4.6
    parts.append(svg.label(0.5, line, f"← {text('detail.legend_minus')} ({pattern})", paper.ink, size=3.4))
    parts.append(svg.label(WIDTH / 2, line, text("detail.legend_zero"), paper.ink, size=3.4, anchor="middle"))
    parts.append(svg.label(WIDTH - 0.5, line, f"{text('detail.legend_plus')} →", paper.ink, size=3.4, anchor="end"))
    return svg.document(WIDTH, HEIGHT, parts)
