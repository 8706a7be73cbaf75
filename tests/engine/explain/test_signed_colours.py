"""The signed scale: readable with colour blindness, symmetric, and silent at zero."""

from __future__ import annotations

import numpy as np
import pytest

from engine.drawing.palette import paper
from engine.drawing.signed_colours import colour, colour_scale, strength, symmetric_limit
from engine.explain.overlay import blend, film_overlay, line_runs

# Machado et al., IEEE TVCG 2009, severity 1.0, on linear RGB: protanopia, deuteranopia.
PROTAN = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])
DEUTAN = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])


def test_lowering_is_blue_raising_is_orange_and_nothing_is_green_or_pure_red() -> None:
    rgb = colour_scale()
    red, green, blue = rgb.T
    assert (blue[:128] > red[:128]).all()
    assert (red[128:] > blue[128:]).all()
    assert not ((green > red) & (green > blue)).any()
    assert (green[128:] > 0.25).all()


@pytest.mark.parametrize("seen_as", [np.eye(3), PROTAN, DEUTAN])
def test_the_signs_stay_apart_in_every_common_vision(seen_as: np.ndarray) -> None:
    rgb = colour_scale() ** 2.2 @ seen_as.T
    assert min(np.linalg.norm(rgb[i] - rgb[255 - i]) for i in range(100)) > 0.2


def test_strong_colours_stay_visible_on_a_black_film() -> None:
    assert (colour_scale().max(1) > 0.45).all()


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance of WCAG 2.2, (…,) of (…, 3) in 0..1."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("ground", ["#000000", paper("light").background, paper("dark").background])
def test_every_colour_has_a_contrast_of_three_to_one_with_films_and_papers(ground: str) -> None:
    behind = luminance(np.array([int(ground[i : i + 2], 16) for i in (1, 3, 5)]) / 255)
    pairs = np.sort(np.stack([luminance(colour_scale()), np.full(256, behind)]), axis=0)
    assert ((pairs[1] + 0.05) / (pairs[0] + 0.05)).min() >= 3


def test_the_limit_is_the_99th_percentile_and_the_same_on_both_sides() -> None:
    values = np.concatenate([np.linspace(-1, 1, 1001), [50.0], np.zeros(5000)])
    limit = symmetric_limit(values)
    assert 0.95 < limit <= 1.0
    assert np.array_equal(colour(np.array(50.0), limit), colour_scale()[255])
    assert np.array_equal(colour(np.array(-50.0), limit), colour_scale()[0])
    assert symmetric_limit(np.zeros((3, 3))) == 1.0


def test_zero_is_transparent_and_opacity_scales_the_rest() -> None:
    values = np.array([[0.0, 1.0], [-1.0, 0.5]], np.float32)
    full, half = film_overlay(values, limit=1.0, opacity=1.0), film_overlay(values, limit=1.0, opacity=0.5)
    assert full[..., 3].tolist() == [[0, 255], [255, 128]]
    assert half[0, 1, 3] == 128
    assert strength(np.array([0.0, 2.0]), 1.0).tolist() == [0, 1]
    film = np.full((2, 2), 90, np.uint8)
    assert blend(film, full)[0, 0].tolist() == [90, 90, 90]
    assert blend(film, full)[0, 1].tolist() == full[0, 1, :3].tolist()


def test_a_line_is_coloured_where_its_map_says() -> None:
    x = np.arange(9.0)
    y = x**2
    values = np.array([0, 0, 1, 1, 0, 0, -1, -1, -1.0])
    runs = {run.share: run for run in line_runs(x, y, values, limit=1.0)}
    assert set(runs) == {0.5, 1.0, -0.5, -1.0}
    assert runs[1.0].x.tolist()[:2] == [2, 3]
    assert runs[1.0].y.tolist()[:2] == [4, 9]
    assert np.isnan(runs[1.0].x[2])
    assert runs[-1.0].x[[0, 1, 3, 4]].tolist() == [6, 7, 7, 8]
    assert runs[1.0].opacity > runs[0.5].opacity
