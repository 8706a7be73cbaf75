"""Films as bytes for the browser: every grey at full depth, and the signed map over them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from PIL import Image

from engine.drawing.signed_colours import colour_scale
from engine.study import Film

MAP_PX = 256  # longest side of a signed map that is sent


def film_bytes(film: Film) -> bytes:
    """Return the greys as differences along each row, all low bytes before all high ones; 8 bits have low ones alone.

    Neighbours differ little, so these compress to about half. film/pixels.js undoes it.
    """
    pixels = np.ascontiguousarray(film.pixels, dtype=np.uint16)
    steps = pixels.copy()
    steps[:, 1:] -= pixels[:, :-1]
    low = (steps & 0xFF).astype(np.uint8).tobytes()
    return low if film.bits <= 8 else low + (steps >> 8).astype(np.uint8).tobytes()


def overlay_json(values: np.ndarray) -> dict[str, Any]:
    """Return a signed map in -1..1 as width, height and base64 of int8, -127..127."""
    small = values.astype(np.float32)
    if max(small.shape) > MAP_PX:
        share = MAP_PX / max(small.shape)
        size = (max(1, round(small.shape[1] * share)), max(1, round(small.shape[0] * share)))
        small = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BILINEAR))
    eight = np.rint(127 * np.clip(np.nan_to_num(small), -1, 1)).astype(np.int8)
    return {"width": eight.shape[1], "height": eight.shape[0], "values": _base64(eight)}


def colours_base64() -> str:
    """Return the signed colours, (256, 3) bytes from the strongest negative to the strongest positive."""
    return _base64(np.rint(255 * colour_scale()).astype(np.uint8))


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()
