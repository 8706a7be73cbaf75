"""Films as 8-bit pictures, and the word that a picture of a synthetic study carries in its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.drawing.fonts import font_file
from engine.strings import text
from engine.study import Film

if TYPE_CHECKING:
    pass

STAMP_SHARE = 1 / 28  # height of the stamp's letters, of the picture's longer side
MIN_STAMP_PX = 10


def grey8(film: Film, max_px: int | None = None) -> np.ndarray:
    """Return a film as (h, w) uint8, black to full scale, its longer side at most `max_px` pixels."""
    from PIL import Image

    pixels = np.asarray(film.pixels)
    greys = np.arange(np.iinfo(pixels.dtype).max + 1, dtype=np.float64) * (255 / (2**film.bits - 1))
    eight = np.rint(np.minimum(greys, 255)).astype(np.uint8)[pixels]
    if max_px is None or max(eight.shape) <= max_px:
        return eight
    picture = Image.fromarray(eight)
    picture.thumbnail((max_px, max_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(picture)


def stamp_of(facts: Mapping[str, Any]) -> str:
    """Return the word that marks a synthetic study by its facts; "" for a recording."""
    return text("card.synthetic") if facts.get("synthetic") else ""


def stamped(pixels: np.ndarray, word: str) -> np.ndarray:
    """Return a picture (h, w) or (h, w, 3) uint8 with a word in white on black in its upper right corner.

    No word leaves the picture as it is; a grey picture stays grey.
    """
    if not word:
        return pixels
    from PIL import Image, ImageDraw

    picture = Image.fromarray(pixels)
    draw, font = ImageDraw.Draw(picture), font_of(max(MIN_STAMP_PX, round(max(picture.size) * STAMP_SHARE)))
    left, top, right, bottom = draw.textbbox((0, 0), word, font=font)
    pad = max(2, round((bottom - top) / 3))
    x, y = picture.width - (right - left) - 2 * pad, 2 * pad
    black, white = (0, 255) if picture.mode == "L" else ("black", "white")
    draw.rectangle((x - pad, y - pad, picture.width, y + bottom - top + pad), fill=black)
    draw.text((x - left, y - top), word, fill=white, font=font)
    return np.asarray(picture)


def stamp_axes(axes: Any, word: str) -> None:
    """Write the word into the corner of what is drawn on matplotlib axes, so that no cut of the picture loses it."""
    if not word:
        return
    axes.text(
        0.99,
        0.985,
        word,
        transform=axes.transAxes,
        fontsize=10,
        weight="bold",
        color="white",
        ha="right",
        va="top",
        bbox={"boxstyle": "square,pad=0.3", "facecolor": "black", "edgecolor": "none"},
        zorder=5,
    )


def font_of(size: int) -> Any:
    """Return DejaVu Sans Bold at a size in pixels."""
    from PIL import ImageFont

    return ImageFont.truetype(str(font_file("DejaVuSans-Bold.ttf")), size)


def alternative(film: Film, view: object = None) -> str:
    """Return the one sentence that stands for a film."""
    rows, columns = film.pixels.shape[:2]
    return text("film.alt", view=text("film.view", view=view) if view else "", width=columns, height=rows)
