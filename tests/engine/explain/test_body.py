"""The patient on a film is told from air, edges and markers: on drawn phantoms of every shape, and on real films."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.explain.body import body_mask, share_outside
from engine.intake.paths import read_paths


def phantom(shape: tuple[int, int], *, bits: int = 8, collimated: int = 0, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return a film of a trunk with two dark lungs in air, with a bright letter in the air and one over a shoulder.

    Beside it, where the trunk is and where the letters are, (h, w) bool each.
    """
    height, width = shape
    y, x = np.mgrid[:height, :width] / np.array([height, width]).reshape(2, 1, 1)
    body = (np.abs(x - 0.5) < 0.36 + 0.06 * (y - 0.5)) & (y > 0.08)
    lungs = sum(((x - cx) / 0.12) ** 2 + ((y - 0.45) / 0.24) ** 2 < 1 for cx in (0.33, 0.67)) > 0
    grey = np.where(body, np.where(lungs, 0.30, 0.62), 0.04)
    grey = grey + np.random.default_rng(seed).normal(0, 0.015, shape)
    letters = np.zeros(shape, bool)
    for left in (0.03, 0.16):  # in the air, and over the shoulder
        letters[int(0.10 * height) : int(0.15 * height), int(left * width) : int((left + 0.04) * width)] = True
    grey[letters] = 0.98
    if collimated:
        inside = np.zeros(shape, bool)
        inside[collimated:-collimated, collimated:-collimated] = True
        grey[~inside], body = 0.0, body & inside
    top = 2**bits - 1
    return (np.clip(grey, 0, 1) * top).astype(np.uint8 if bits == 8 else np.uint16), body, letters


@pytest.mark.parametrize("shape", [(400, 400), (700, 500), (300, 480), (224, 224), (1200, 1000)])
@pytest.mark.parametrize(("bits", "collimated"), [(8, 0), (12, 0), (16, 18)])
def test_the_trunk_with_its_lungs_is_found_and_the_letters_are_not(
    shape: tuple[int, int], bits: int, collimated: int
) -> None:
    pixels, body, letters = phantom(shape, bits=bits, collimated=collimated)
    found = body_mask(pixels)
    truth = body & ~letters
    assert found.shape == shape and found.dtype == bool
    assert (found & truth).sum() / (found | truth).sum() > 0.9
    assert found[letters].mean() < 0.1


def test_the_share_outside_is_that_of_the_map() -> None:
    pixels, body, letters = phantom((400, 400))
    found = body_mask(pixels)
    on_letters, on_body = letters.astype(float), -(body & ~letters).astype(float)
    assert share_outside(on_letters, found) > 0.9
    assert share_outside(on_body, found) < 0.08
    mixed = on_letters / on_letters.sum() + 3 * on_body / -on_body.sum()
    assert share_outside(mixed, found) == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_a_film_without_anything_to_tell_apart_counts_as_a_whole(grey: int) -> None:
    assert body_mask(np.full((300, 200), grey, np.uint8)).all()


def test_on_real_films_it_is_most_of_the_picture_with_its_middle(recordings: Path) -> None:
    films = sorted((recordings / "cxr" / "images").iterdir())[::170]
    for file in films:
        pixels = read_paths([file]).film.pixels
        found, (h, w) = body_mask(pixels), pixels.shape
        assert 0.4 < found.mean() <= 1, file.name
        assert found[h // 4 : 3 * h // 4, w // 4 : 3 * w // 4].mean() > 0.9, file.name
