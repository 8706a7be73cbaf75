"""Turn a map into something to draw: a transparent picture over a film, coloured stretches along a trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.drawing.palette import hex_of
from engine.drawing.signed_colours import OPACITY, colour, strength, symmetric_limit

LEVELS = 8  # steps of colour on each side of zero along a trace


def film_overlay(values: np.ndarray, *, limit: float | None = None, opacity: float = OPACITY) -> np.ndarray:
    """Return (h, w, 4) uint8 RGBA for a film's map (h, w): colour by sign and size, alpha by size times opacity."""
    top = symmetric_limit(values) if limit is None else limit
    alpha = strength(values, top) * np.clip(opacity, 0, 1)
    return np.round(np.dstack([colour(values, top), alpha]) * 255).astype(np.uint8)


def blend(pixels: np.ndarray, overlay: np.ndarray) -> np.ndarray:
    """Return (h, w, 3) uint8: a film (h, w) uint8 under its RGBA overlay."""
    alpha = overlay[..., 3:] / 255
    return np.round(pixels[..., None] * (1 - alpha) + overlay[..., :3] * alpha).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class LineRun:
    """All stretches of one line that share a colour; x and y have NaN between stretches, as plotly and others expect.

    share   : the level's middle, −1 … 1 of the limit
    colour  : #rrggbb
    opacity : 0..1
    """

    share: float
    colour: str
    opacity: float
    x: np.ndarray
    y: np.ndarray


def line_runs(
    x: np.ndarray, y: np.ndarray, values: np.ndarray, *, limit: float, opacity: float = 1.0, levels: int = LEVELS
) -> list[LineRun]:
    """Return the coloured stretches of one line through x (n,), y (n,) whose map is values (n,).

    A stretch joins two neighbouring samples and takes their mean value, rounded to one of 2·levels steps; what rounds
    to zero is left out, so that the plain line shows there.
    """
    middle = (values[:-1] + values[1:]) / 2
    steps = np.round(np.clip(middle / limit, -1, 1) * levels).astype(int)
    runs = []
    for step in sorted(set(steps.tolist()) - {0}, key=abs):
        first = np.flatnonzero(steps == step)
        gap = np.full(len(first), np.nan)
        share, second = step / levels, first + 1
        runs.append(
            LineRun(
                share,
                hex_of(colour(np.array(share), 1.0)),
                float(opacity) * (0.35 + 0.65 * abs(share)),
                np.column_stack([x[first], x[second], gap]).ravel(),
                np.column_stack([y[first], y[second], gap]).ravel(),
            )
        )
    return runs
