"""Films in exports: 8-bit pictures of the size that is printed, with SYNTHETIC and the notice burned in where due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.strings import text
from engine.study import Film

if TYPE_CHECKING:
    from PIL import Image


def grey_picture(film: Film, longest: int) -> Image.Image:
    """Return the film in 8 bits, its longer side at most `longest` pixels."""
    from PIL import Image

    step = max(1, max(film.pixels.shape[:2]) // (2 * longest))  # halving by strides first; the rest is filtered
    pixels = film.pixels[::step, ::step] if step > 1 else film.pixels
    full = float(2**film.bits - 1)
    grey = np.asarray(pixels, np.float32) * (255.0 / full)
    picture = Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def burned(picture: Image.Image, words: str) -> Image.Image:
    """Return the picture with words in a box in its right upper corner."""
    from PIL import ImageDraw

    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    font = font_of(max(10, picture.width // 28))
    left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
    pad = max(2, (bottom - top) // 3)
    x, y = picture.width - (right - left) - 3 * pad, pad
    white, black = (255, 0) if picture.mode == "L" else ((255,) * 3, (0,) * 3)
    draw.rectangle((x - pad, y, x + right - left + pad, y + bottom - top + 2 * pad), fill=white, outline=black)
    draw.text((x - left, y + pad - top), words, fill=black, font=font)
    return picture


def font_of(size: int) -> Any:
    """Return DejaVu Sans Bold at a size in pixels."""
    from PIL import ImageFont

    from engine.drawing.fonts import font_file

    return ImageFont.truetype(str(font_file("DejaVuSans-Bold.ttf")), size)


def size_mm(film: Film) -> tuple[float, float] | None:
    """Return (height, width) at the detector in mm, or None where the file does not say."""
    if film.spacing_mm is None:
        return None
    rows, columns = film.pixels.shape[:2]
    return rows * film.spacing_mm[0], columns * film.spacing_mm[1]


def statement(film: Film, printed_mm: float) -> str:
    """Say what a millimetre of the print is at the detector; `printed_mm` is the printed width."""
    measured = size_mm(film)
    rows, columns = film.pixels.shape[:2]
    if measured is None:
        return text("report.film_unknown", width=columns, height=rows)
    return text(
        "report.film_scale",
        width=columns,
        height=rows,
        scale=f"{measured[1] / printed_mm:.2f}",
        mm_width=f"{measured[1]:.0f}",
        mm_height=f"{measured[0]:.0f}",
    )


def alternative(film: Film, view: object) -> str:
    """Return the sentence that stands for a film."""
    rows, columns = film.pixels.shape[:2]
    return text("film.alt", view=text("film.view", view=view) if view else "", width=columns, height=rows)
