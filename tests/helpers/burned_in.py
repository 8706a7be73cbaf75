"""Films with words burned into their pixels, and whether they can be looked for here."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from engine.drawing.fonts import font_file
from engine.intake.burned_in import is_available
from engine.settings import DEMO

NEEDS_OCR = pytest.mark.skipif(not is_available(), reason="the extra ocr is not installed: pip install 'casebind[ocr]'")
NAME = "MUELLER, HANS"
SIDE_PX = 1024


def shipped_film() -> np.ndarray:
    """Return a film of the shipped cohort, (1024, 1024) uint8, in other pixels than the shipped ones."""
    with Image.open(next(iter(sorted((DEMO / "cxr").glob("*.jpg"))))) as picture:
        return np.asarray(picture.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))


def with_words(
    pixels: np.ndarray, words: str, corner: tuple[int, int], px: int = 22, font: str = "DejaVuSans.ttf"
) -> np.ndarray:
    """Return a film, uint8, with white words at (left, top)."""
    picture = Image.fromarray(pixels)
    ImageDraw.Draw(picture).text(corner, words, fill=235, font=ImageFont.truetype(str(font_file(font)), px))
    return np.asarray(picture)


def as_png(pixels: np.ndarray) -> bytes:
    """Return a film as a PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def named_film(folder: Path) -> Path:
    """Write a film with a name in its upper left corner, and return the file."""
    file = folder / "film.png"
    file.write_bytes(as_png(with_words(shipped_film(), NAME, (30, 24))))
    return file
