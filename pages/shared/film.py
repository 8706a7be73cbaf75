"""Drawings of chest films: pixels as they are, on black, and the signed map over them. Themes never touch them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from engine.drawing.film import grey8
from engine.drawing.signed_colours import colour
from engine.study import Film

SHOWN_PX = 900  # longest side that is sent to the browser
THUMB_PX = 300
PER_LINE = 300  # pixels of the longest side per pixel of a box's line
FAINT = 0.08  # below this share of the strongest value nothing is drawn
STRIPE = 64  # stripes across a film's longest side; they mark the negative sign, so that it never rests on colour alone


def thumb(film: Film, side: int = THUMB_PX) -> np.ndarray:
    """Return the film as (side, side) uint8: whole, centred on black."""
    image = Image.fromarray(grey8(film, side))
    scale = side / max(image.size)
    small = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    sheet = Image.new("L", (side, side), 0)
    sheet.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return np.asarray(sheet)


def overlaid(film: Film, values: np.ndarray, opacity: float, max_px: int = SHOWN_PX) -> np.ndarray:
    """Return the film as (h, w, 3) uint8 under a signed map in -1..1 over the whole film, at any resolution."""
    return blended(grey8(film, max_px), values, opacity)


def blended(pixels: np.ndarray, values: np.ndarray, opacity: float) -> np.ndarray:
    """Return (h, w) uint8 as (h, w, 3) uint8 under a signed map; stronger is less transparent, negative is striped.

    values : (rows, columns) in -1..1 over the whole film, at any resolution
    """
    base = pixels.astype(np.float32)
    size = (base.shape[1], base.shape[0])
    signed = np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    diagonal = np.add.outer(np.arange(base.shape[0]), np.arange(base.shape[1]))
    period = max(2, max(base.shape) // STRIPE)
    striped = (diagonal // (period // 2)) % 2 == 0
    strength = np.clip((np.abs(signed) - FAINT) / (1 - FAINT), 0, 1)
    weight = opacity * strength * np.where((signed < 0) & ~striped, 0.15, 1.0)
    mixed = base[..., None] * (1 - weight[..., None]) + 255 * colour(signed, 1.0) * weight[..., None]
    return mixed.clip(0, 255).round().astype(np.uint8)


def png(pixels: np.ndarray, level: int = 4) -> str:
    """Return pixels as a PNG in a `data:` address, compressed by `level` of 0 to 9; of films, 6 saves nothing over 4.

    A picture with an address of its own is dropped by the server when the page moves on, while the browser may still
    be fetching it.
    """
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=level)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def boxed(pixels: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Return the drawing with the outline of a box (left, top, right, bottom) in shares 0..1: white within black."""
    image = Image.fromarray(pixels).convert("RGB")
    left, right = (round(share * (image.width - 1)) for share in (box[0], box[2]))
    top, bottom = (round(share * (image.height - 1)) for share in (box[1], box[3]))
    pen, width = ImageDraw.Draw(image), max(1, round(max(image.size) / PER_LINE))
    pen.rectangle((left - width, top - width, right + width, bottom + width), outline="black", width=3 * width)
    pen.rectangle((left, top, right, bottom), outline="white", width=width)
    return np.asarray(image)
