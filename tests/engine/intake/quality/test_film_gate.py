"""The gate on films: chest films pass, pictures of anything else are refused with the number and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ReleaseError
from engine.intake.quality.film import exposure
from engine.intake.quality.film_space import fit_space, load_space, read_space, save_space, unit_halves
from engine.intake.quality.judge import judge
from engine.model.trunk import TRUNK_NAME
from engine.study import Film, Study
from engine.training.quality_negatives import picture_negatives

PICTURES = picture_negatives(np.random.default_rng(3))


def picture(pixels: np.ndarray, **facts: float) -> Study:
    return Study("cxr", Film(np.ascontiguousarray(pixels), 8), "picture", facts=dict(facts))


def photograph() -> np.ndarray:
    """(h, w, 3) uint8: one of scikit-learn's two photographs."""
    from sklearn.datasets import load_sample_images

    return load_sample_images().images[0]


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_pictures_that_are_no_films_are_refused(name: str) -> None:
    verdict = judge(picture(PICTURES[name]))
    assert not verdict.accepted
    assert re.search(r"\d.*\((limit|at least) [\d.]+.*\): \w+", verdict.reasons[0]), verdict.reasons


def test_a_photograph_is_refused_in_colour_and_in_grey() -> None:
    colour = photograph()
    spread = float((colour.max(axis=2) - colour.min(axis=2)).mean() / 255)
    grey = colour.mean(axis=2).astype(np.uint8)
    in_colour, in_grey = judge(picture(grey, colourfulness=spread)), judge(picture(grey))
    assert not in_colour.accepted
    assert any("colour spread" in reason and "(limit 0.06)" in reason for reason in in_colour.reasons)
    assert not in_grey.accepted
    assert "distance" in in_grey.reasons[0]


def test_thumbnails_and_strips_are_refused_by_their_size() -> None:
    grey = photograph().mean(axis=2).astype(np.uint8)
    assert any("shortest side of 64 pixels (at least 128 pixels)" in r for r in judge(picture(grey[:64, :64])).reasons)
    assert any("3.2 times as long" in reason for reason in judge(picture(grey[:200])).reasons)


def test_features_that_are_known_already_give_the_same_verdict() -> None:
    from engine.model.trunk import features

    study = picture(PICTURES["drawing"])
    assert isinstance(study.content, Film)
    known = judge(study, features(study.content))
    fresh = judge(picture(PICTURES["drawing"].copy()))
    assert known.measures[0].name == "distance from chest films"
    assert known.measures[0].value == pytest.approx(fresh.measures[0].value, rel=1e-4)


def test_sixteen_bit_films_are_measured_like_eight_bit_ones() -> None:
    eight = PICTURES["cloud texture"]
    deep = exposure(Film(eight.astype(np.uint16) * 257, 16))
    assert deep == pytest.approx(exposure(Film(eight, 8)), abs=1e-3)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_exposure_is_that_of_every_pixel(kind: type[np.unsignedinteger]) -> None:
    most = np.iinfo(kind).max
    pixels = np.clip(np.random.default_rng(3).normal(0.5, 0.3, (700, 640)) * most, 0, most).astype(kind)
    found, grey = exposure(Film(pixels, 8 * pixels.itemsize)), pixels.astype(np.float32) / float(most)
    low, high = np.quantile(grey, (0.01, 0.99))
    shares = np.histogram(grey, bins=64, range=(0.0, 1.0))[0] / grey.size
    assert found["contrast"] == pytest.approx(float(high - low), rel=1e-6)
    assert found["entropy"] == pytest.approx(-float((shares * np.log2(shares)).sum()), rel=1e-9)
    assert found["clipped share"] == pytest.approx(float(((grey <= 0) | (grey >= 1)).mean()), rel=1e-9)


def test_the_distance_is_one_for_what_the_space_was_fitted_on_and_grows_away_from_it() -> None:
    rng = np.random.default_rng(0)
    spread = np.linspace(1.0, 0.05, 768)
    films = 5.0 + 0.2 * rng.normal(size=(600, 768)) * spread
    space = fit_space(films, np.repeat(["a", "b"], (500, 100)))
    assert np.sqrt((space.distances(films) ** 2).mean()) == pytest.approx(1.0, abs=0.15)
    other = films[:50].copy()
    other[:, :40] += 1.0
    assert space.distances(other).min() > 1.5 * space.distances(films).max()


def test_each_half_of_the_features_counts_by_direction_only() -> None:
    features = np.abs(np.random.default_rng(0).normal(size=(3, 768))) + 0.1
    scaled = features * np.repeat([3.0, 0.5], 384)
    np.testing.assert_allclose(unit_halves(features), unit_halves(scaled))


def test_a_space_that_is_not_what_its_manifest_names_is_refused(tmp_path: Path) -> None:
    space = fit_space(np.random.default_rng(0).normal(size=(80, 768)) + 3, np.zeros(80, int))
    file = tmp_path / "film_space.safetensors"
    save_space(space, TRUNK_NAME, file)
    np.testing.assert_allclose(read_space(file).mean, space.mean, atol=1e-6)
    read_space.cache_clear()
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(ReleaseError, match="is not the one that its manifest names"):
        read_space(file)
    file.with_name("manifest.json").unlink()
    with pytest.raises(ReleaseError, match="its manifest is damaged or missing"):
        read_space(file)


def test_the_shipped_space_is_small_and_belongs_to_the_trunk() -> None:
    from engine.intake.quality.film_space import PATH

    space = load_space()
    assert space.axes.shape == (768, 64)
    assert PATH.stat().st_size < 1_000_000
