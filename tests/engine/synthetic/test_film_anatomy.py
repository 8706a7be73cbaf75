"""Films drawn from anatomy: what lies where, in millimetres, and what a change of the body or the pose does to it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from engine.intake.quality.film import judge_film
from engine.study import Film
from engine.synthetic.cxr.base import draw_chest
from engine.synthetic.cxr.body import ChestBody, Pose, draw_body, draw_pose, frame_of
from engine.synthetic.cxr.film import SIDE, ChestFilm, render
from engine.synthetic.cxr.raster import FilmGrid, Tube, branches, fill, solid, tubes
from engine.synthetic.draw import draw_patients
from engine.synthetic.patients import rng_for

SMALL = 160  # pixels, for speed


@lru_cache
def person(sex: str = "M", age: float = 50, seed: int = 0) -> tuple[ChestBody, Pose]:
    rng = np.random.default_rng(seed)
    body = draw_body(age, sex, rng)
    return body, draw_pose(body, "PA", rng)


@lru_cache
def chest(seed: int = 0, view: str = "PA") -> ChestFilm:
    rng = np.random.default_rng(seed)
    body = draw_body(float(rng.uniform(20, 88)), "MF"[seed % 2], rng)
    return render(body, draw_pose(body, view, rng), SMALL)


def width_mm(mask: np.ndarray, spacing: float) -> float:
    columns = np.flatnonzero((mask > 0.5).any(0))
    return float((columns[-1] - columns[0] + 1) * spacing)


def ratio(made: ChestFilm) -> float:
    lungs = np.maximum(made.masks["right lung"], made.masks["left lung"])
    return width_mm(made.masks["heart"], made.spacing) / width_mm(lungs, made.spacing)


def mean_in(made: ChestFilm, mask: np.ndarray) -> float:
    return float(made.film[mask > 0.9].mean())


def test_a_tube_is_as_thick_as_its_chord() -> None:
    grid = FilmGrid(100, 1.0)
    line = np.array([(-40.0, 50.0), (40.0, 50.0)])
    full = tubes(grid, [Tube(line, np.full(2, 10.0))])[:, 50]
    hollow = tubes(grid, [Tube(line, np.full(2, 10.0), wall=2.0)])[:, 50]
    assert full[49:51] == pytest.approx([20, 20], abs=0.3)
    assert hollow[49:51] == pytest.approx([4, 4], abs=0.3)
    assert hollow[42] > hollow[50]  # its wall is seen along its length
    assert full[:39].max() == 0


def test_branches_that_overlap_are_one_body() -> None:
    grid = FilmGrid(60, 1.0)
    path = np.array([[(-20.0, 30.0), (20.0, 30.0)]] * 2)
    assert branches(grid, path, np.full((2, 2), 5.0)).max() == pytest.approx(10, abs=0.5)
    assert tubes(grid, [Tube(one, np.full(2, 5.0)) for one in path]).max() == pytest.approx(20, abs=0.8)


def test_a_solid_is_deep_inside_and_nothing_outside() -> None:
    grid = FilmGrid(100, 1.0)
    square = np.array([(-30.0, 20.0), (30.0, 20.0), (30.0, 80.0), (-30.0, 80.0)])
    made = solid(grid, fill(grid, square), 50.0, 10.0, 1.0)
    assert made[50, 50] == pytest.approx(50, abs=0.5)
    assert 0 < made[50, 22] < 45
    assert made[50, 5] == 0
    assert solid(grid, np.zeros((100, 100), np.float32), 50.0, 10.0).max() == 0


@pytest.mark.parametrize("view", ["PA", "AP"])
@pytest.mark.parametrize("seed", range(3))
def test_lungs_are_dark_and_the_heart_lies_left_of_the_midline(seed: int, view: str) -> None:
    made = chest(seed, view)
    heart = made.masks["heart"]
    both = np.maximum(made.masks["right lung"], made.masks["left lung"])
    for side in ("right lung", "left lung"):
        assert mean_in(made, made.masks[side]) < mean_in(made, heart) - 0.1
    columns = np.arange(SMALL)
    assert (heart * columns).sum() / heart.sum() > (both * columns).sum() / both.sum()
    lowest = np.flatnonzero(both.any(1))[-1] / SMALL
    assert 0.5 < lowest < 1.0
    assert 0.12 < both.mean() < 0.45
    assert made.film.min() >= 0
    assert made.film.max() <= 1


def test_ribs_are_brighter_than_the_lung_between_them() -> None:
    made = chest(0)
    lungs, ribs = made.masks["right lung"] > 0.9, made.masks["ribs"] > 0.5
    assert made.film[lungs & ribs].mean() > made.film[lungs & ~ribs].mean() + 0.02


def test_a_larger_ratio_is_a_larger_heart_and_nothing_else() -> None:
    body, pose = person()
    normal, large = (render(replace(body, ratio=r), pose, SMALL) for r in (0.44, 0.60))
    assert ratio(normal) == pytest.approx(0.44, abs=0.03)
    assert ratio(large) == pytest.approx(0.60, abs=0.04)
    outside = np.maximum.reduce([large.masks["heart"], large.masks["mediastinum"]]) < 0.01
    top = slice(0, int(0.25 * SMALL))
    assert np.abs(normal.attenuation - large.attenuation)[top][outside[top]].max() < 0.05


def test_hearts_of_films_without_findings_are_not_enlarged() -> None:
    for seed in range(40):
        for sex in "MF":
            assert person(sex, 30 + seed, seed)[0].ratio < 0.5


def test_a_deeper_breath_lowers_the_domes() -> None:
    body, pose = person()
    shallow, deep = (frame_of(body, replace(pose, inspiration=rib)) for rib in (8.0, 10.0))
    assert all(deep.domes[side] - shallow.domes[side] > 1.5 * body.level for side in (-1, 1))


def test_rotation_moves_what_lies_in_front() -> None:
    body, pose = person()
    straight, turned = (render(body, replace(pose, turn=degrees), SMALL) for degrees in (0.0, 9.0))
    columns = np.arange(SMALL)
    middles = [(made.masks["heart"] * columns).sum() / made.masks["heart"].sum() for made in (straight, turned)]
    assert (middles[1] - middles[0]) * straight.spacing > 3


def test_women_have_smaller_chests_and_the_old_wider_arches() -> None:
    def mean_of(name: str, sex: str, age: float) -> float:
        return float(np.mean([getattr(person(sex, age, seed)[0], name) for seed in range(30)]))

    assert mean_of("half_width", "M", 50) > mean_of("half_width", "F", 50) + 5
    assert mean_of("unfolding", "M", 80) > mean_of("unfolding", "M", 25) + 0.4
    assert mean_of("bone", "F", 25) > mean_of("bone", "F", 80)


def test_an_encounters_film_is_the_same_again_and_its_body_stays() -> None:
    one, other = (patient.encounters[0] for patient in draw_patients(2, 5))

    def film(person_seed: int, film_seed: int) -> ChestFilm:
        rngs = [rng_for(seed, one.patient_number, 0, "film") for seed in (person_seed, film_seed)]
        return draw_chest(one, *rngs)

    first = film(1, 1)
    assert np.array_equal(first.film, film(1, 1).film)
    follow_up = film(1, 2)
    assert not np.array_equal(first.film, follow_up.film)
    assert first.frame.body == follow_up.frame.body
    made = draw_chest(other, np.random.default_rng(3), np.random.default_rng(4))
    pixels = np.round(made.film * 255).astype(np.uint8)
    assert (pixels.shape, pixels.dtype) == ((SIDE, SIDE), np.uint8)
    assert judge_film(Film(pixels, bits=8), {}).accepted


def test_hearts_stay_within_their_ratio_on_films_of_a_shallow_breath() -> None:
    body, pose = person()
    shallow = render(replace(body, ratio=0.46), replace(pose, inspiration=8.0), SMALL)
    assert ratio(shallow) < 0.52
