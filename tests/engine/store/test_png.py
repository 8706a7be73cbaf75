"""Films are stored as PNG files that any reader of PNG reads, to the last pixel."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine.store.content import from_bytes, to_bytes
from engine.study import Film

RNG = np.random.default_rng(2)
PIXELS: dict[str, np.ndarray] = {
    "one pixel": np.zeros((1, 1), np.uint8),
    "one line of odd length": RNG.integers(0, 256, (1, 301)).astype(np.uint8),
    "16 bits": RNG.integers(0, 65536, (211, 97)).astype(np.uint16),
    "12 bits, every second column of an array": RNG.integers(0, 4096, (60, 90)).astype(np.uint16)[:, ::2],
    "big endian": RNG.integers(0, 4096, (20, 30)).astype(">u2"),
    "collimated": np.pad(np.full((300, 200), 180, np.uint8), 100),
}


@pytest.mark.parametrize("name", PIXELS)
def test_every_pixel_comes_back(name: str) -> None:
    pixels = PIXELS[name]
    data = to_bytes(Film(pixels, 8 * pixels.itemsize, (0.139, 0.2)))
    found = from_bytes(data, ".png")
    assert isinstance(found, Film)
    assert found.pixels.dtype == pixels.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found.pixels, pixels)
    assert (found.bits, found.spacing_mm) == (8 * pixels.itemsize, (0.139, 0.2))
    with Image.open(io.BytesIO(data)) as image:
        image.verify()  # the checksum of every part


def test_black_around_a_film_takes_next_to_no_room() -> None:
    assert len(to_bytes(Film(np.zeros((2000, 2000), np.uint16), 16))) < 60_000  # of 8 MB
