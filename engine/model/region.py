"""A part of a film: the box that was drawn, as shares of the film, and the ways to search by it.

tokens : the film's own tokens after the frozen blocks, those outside the box left out; the box keeps its place, and the
         class token of the tuned blocks attends to nothing else
pooled : the whole film's class tokens, and the mean of the patch tokens in the box instead of all of them
crop   : the box with CONTEXT around it as a film of its own, letterboxed as every film is

`casebind evaluate region` measures all beside the whole film; the search uses SEARCHED_BY.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import UsageError
from engine.model.cxr import SIDE, padding
from engine.study import Box, Film

if TYPE_CHECKING:
    import torch

GRID = 16  # patches along the letterboxed square's side
MIN_SIDE = 0.05  # of the film; a smaller box is a slip of the hand
CONTEXT = 0.25  # of the box's own sides, added on every side of a crop
SEARCHED_BY = "pooled"  # chosen on valid: nearest to the whole film in what it finds, with half of its films new


def checked(box: Sequence[float]) -> Box:
    """Return (left, top, right, bottom) as shares 0..1 of the film; UsageError where that is no box on it."""
    if len(box) != 4 or not all(np.isfinite(side) for side in box):
        raise UsageError("The part of the film is not a box: give left, top, right and bottom from 0 to 100 %.")
    left, top, right, bottom = (min(1.0, max(0.0, round(float(side), 4))) for side in box)
    if right - left < MIN_SIDE or bottom - top < MIN_SIDE:
        raise UsageError(f"The box is less than {MIN_SIDE:.0%} of the film wide or high: draw a larger one.")
    return left, top, right, bottom


def crop(film: Film, box: Box, context: float = CONTEXT) -> Film:
    """Return the box, grown by `context` of its sides where the film reaches so far, as a film."""
    height, width = film.pixels.shape[:2]
    left, top, right, bottom = box
    wide, high = context * (right - left), context * (bottom - top)
    x = slice(round(max(0.0, left - wide) * width), max(1, round(min(1.0, right + wide) * width)))
    y = slice(round(max(0.0, top - high) * height), max(1, round(min(1.0, bottom + high) * height)))
    return Film(film.pixels[y, x], film.bits, film.spacing_mm)


def patches(shape: tuple[int, int], box: Sequence[float]) -> np.ndarray:
    """Return the numbers, ascending int64, of the 16 × 16 patches that a box on a film of that shape touches."""
    height, width = shape
    side, top, left = padding(height, width)
    x0, y0 = (left + box[0] * width) / side * SIDE, (top + box[1] * height) / side * SIDE
    x1, y1 = (left + box[2] * width) / side * SIDE, (top + box[3] * height) / side * SIDE
    step = SIDE / GRID
    columns = np.arange(int(x0 // step), min(GRID, int(np.ceil(x1 / step))))
    rows = np.arange(int(y0 // step), min(GRID, int(np.ceil(y1 / step))))
    return (rows[:, None] * GRID + columns[None]).reshape(-1)


def embed_region(
    tower: Any, tokens: torch.Tensor, film: Film, box: Sequence[float], method: str = SEARCHED_BY
) -> torch.Tensor:
    """Return the embeddings (b, 256) of a box from the film's tokens after the frozen blocks (b, 257, 384).

    way : the release's module of films (engine.model.heads.Bound)
    """
    import torch

    height, width = film.pixels.shape[:2]
    inside, whole = torch.from_numpy(patches((height, width), box)), tokens
    if method == "tokens":
        kept = torch.cat([tokens[:, :1], tokens[:, 1 + inside]], 1)
        alone: torch.Tensor = tower.project(tower.encoder(tokens=kept), tokens=whole)
        return alone
    parts = []
    for block in tower.encoder.blocks:
        tokens = block(tokens)
        parts.append(tower.encoder.norm(tokens[:, 0]))
    pooled = tower.encoder.norm(tokens)[:, 1 + inside].mean(1)
    among: torch.Tensor = tower.project(torch.cat([*parts, pooled], 1), tokens=whole)
    return among
