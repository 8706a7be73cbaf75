"""Findings painted on a film: what they measure is what was asked for, where they lie is where the film changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from engine.errors import UsageError
from engine.reference import mask_of
from engine.synthetic.cxr.paint import Anatomy, FilmFinding, draw_finding, find_anatomy, kinds, label_of, paint
from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.light import density

SIZE = 256


@pytest.fixture(scope="module")
def chest() -> tuple[np.ndarray, Anatomy]:
    """A drawn chest: two lungs with domes, a heart, ribs and grain; and its anatomy, as it was drawn."""
    rows, columns = np.indices((SIZE, SIZE), dtype=float)
    dome = 185 + 0.012 * (columns % 128 - 64) ** 2
    heart = ((columns - 142) / 42) ** 2 + ((rows - 160) / 52) ** 2 < 1
    right = (((columns - 72) / 44) ** 2 + ((rows - 150) / 110) ** 2 < 1) & (rows < dome) & ~heart & (columns < 112)
    left = (((columns - 184) / 44) ** 2 + ((rows - 150) / 110) ** 2 < 1) & (rows < dome) & ~heart & (columns > 146)
    film = 0.78 - 0.42 * ndimage.gaussian_filter((right | left).astype(float), 1.2)
    film += 0.05 * np.sin(rows / 5) * (right | left) + 0.02 * np.random.default_rng(0).standard_normal(film.shape)
    anatomy = Anatomy(Lung("right", right), Lung("left", left), 282 / 176, 1.0)
    return np.clip(film, 0, 1).astype(np.float32), anatomy


def painted(chest: tuple[np.ndarray, Anatomy], *findings: FilmFinding, seed: int = 1):
    return paint(*chest, findings, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", kinds())
def test_the_film_changes_inside_the_region_and_little_elsewhere(chest, kind):
    drawn = draw_finding(kind, np.random.default_rng(3), severity=0.7)
    result = painted(chest, drawn)
    (region,), (fact,) = result.regions, result.facts
    assert (region.label, fact.label) == (label_of(kind),) * 2
    assert result.film.dtype == np.float32
    assert result.film.min() >= 0 and result.film.max() <= 1
    mask = mask_of(region.polygons, result.film.shape)
    change = np.abs(result.film - painted(chest).film)
    assert mask.any()
    assert change[mask].mean() > 3 * change[~ndimage.binary_dilation(mask, iterations=30)].mean()


def test_the_same_seed_paints_the_same(chest):
    drawn = [draw_finding(kind, np.random.default_rng(5)) for kind in ("nodule", "consolidation", "cardiomegaly")]
    one, other, third = painted(chest, *drawn), painted(chest, *drawn), painted(chest, *drawn, seed=2)
    assert np.array_equal(one.film, other.film)
    assert one.regions == other.regions
    assert not np.array_equal(one.film, third.film)


def test_nothing_painted_leaves_the_film_as_it_was(chest):
    assert np.abs(painted(chest).film - chest[0]).max() < 1e-5


@pytest.mark.parametrize("severity", [0.0, 0.5, 1.0])
def test_a_heart_is_as_wide_as_its_ratio_says(chest, severity):
    film, anatomy = chest
    result = painted(chest, FilmFinding("cardiomegaly", severity=severity))
    ratio = result.facts[0].measured["ctr"]
    assert ratio > anatomy.ctr
    mask = mask_of(result.regions[0].polygons, film.shape)
    columns = np.flatnonzero(mask.any(0))
    a, b = anatomy.chest_extent
    assert (columns[-1] - columns[0]) / (b - a) == pytest.approx(ratio, abs=0.03)


def test_more_fluid_stands_higher_and_hides_more(chest):
    film, _ = chest
    measured, levels = [], []
    for severity in (0.1, 0.5, 1.0):
        result = painted(chest, FilmFinding("pleural effusion", "left", severity))
        measured.append(result.facts[0].measured["ml"])
        levels.append(float((density(result.film) - density(film)).clip(0).sum()))
    assert measured == sorted(measured)
    assert levels == sorted(levels)
    assert "Blunting of the left" in painted(chest, FilmFinding("pleural effusion", "left", 0.0)).facts[0].words


def test_fluid_of_a_patient_who_lies_veils_the_whole_lung(chest):
    film, anatomy = chest
    lying = painted(chest, FilmFinding("pleural effusion", "right", 0.5, supine=True))
    upper = anatomy.right & (anatomy.right_lung.height < 0.45)
    standing = painted(chest, FilmFinding("pleural effusion", "right", 0.2))
    assert (lying.film - film)[upper].mean() > 5 * abs((standing.film - film)[upper].mean())


def test_air_is_darker_than_the_lung_and_lies_at_the_wall(chest):
    film, anatomy = chest
    result = painted(chest, FilmFinding("pneumothorax", "right", 0.6))
    mask = mask_of(result.regions[0].polygons, film.shape)
    assert (result.film - film)[mask].mean() < -0.03
    assert anatomy.right_lung.from_wall[mask].mean() < anatomy.right_lung.from_wall[anatomy.right & ~mask].mean()
    assert not (mask & anatomy.left).any()


def test_tension_moves_the_heart_away_and_regions_move_along(chest):
    _, anatomy = chest
    nodule = replace(draw_finding("nodule", np.random.default_rng(1), side="left"), place="mid")
    result = painted(chest, nodule, FilmFinding("pneumothorax", "right", 0.95))
    by_kind = {region.kind: mask_of(region.polygons, anatomy.shape) for region in result.regions}
    assert result.facts[1].measured.get("shift_mm", 0) + result.facts[0].measured.get("shift_mm", 0) > 10
    assert not (by_kind["nodule"] & by_kind["pneumothorax"]).any()


@pytest.mark.parametrize(("kind", "low", "high"), [("nodule", 10, 30), ("mass", 31, 90)])
def test_a_lesion_measures_what_is_said(chest, kind, low, high):
    _, anatomy = chest
    result = painted(chest, draw_finding(kind, np.random.default_rng(8), side="right", severity=0.4))
    size = result.facts[0].measured["size_mm"]
    assert low <= size <= high
    area = mask_of(result.regions[0].polygons, anatomy.shape).sum() * anatomy.mm_per_px**2
    assert 2 * np.sqrt(area / np.pi) == pytest.approx(size, rel=0.25)


def test_sides_of_words_facts_and_regions_agree(chest):
    _, anatomy = chest
    for kind in ("pleural effusion", "nodule", "pneumothorax"):
        for side in ("left", "right"):
            result = painted(chest, draw_finding(kind, np.random.default_rng(2), side=side, severity=0.5))
            mask = mask_of(result.regions[0].polygons, anatomy.shape)
            assert side in result.facts[0].words
            assert (mask & anatomy.lung(side).mask).sum() > 10 * (mask & anatomy.lungs & ~anatomy.lung(side).mask).sum()


def test_an_unsure_anatomy_is_not_painted_on(chest):
    film, anatomy = chest
    unsure = replace(anatomy, confidence=0.2)
    with pytest.raises(UsageError, match="draw another film"):
        paint(film, unsure, [FilmFinding("cardiomegaly")], np.random.default_rng(0))


def test_an_unknown_finding_is_refused():
    with pytest.raises(UsageError, match="can be painted"):
        draw_finding("kidney stone", np.random.default_rng(0))


def test_a_film_without_lungs_has_no_anatomy():
    noise = np.random.default_rng(0).random((SIZE, SIZE)).astype(np.float32)
    assert find_anatomy(noise).confidence == 0.0
    assert find_anatomy(np.zeros((SIZE, SIZE), np.float32)).confidence == 0.0
