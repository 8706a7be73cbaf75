"""The look of real films: drawn films get the spread of real ones, and keep their edges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import UsageError
from engine.synthetic.cxr import appearance
from engine.synthetic.cxr.appearance import SIDE, Appearance, CoarseFilms, downscaled, fit, load_appearance
from engine.synthetic.cxr.body import draw_body, draw_pose
from engine.synthetic.cxr.film import ChestFilm, render
from engine.synthetic.painted import inside

FILMS, PATTERNS = 200, 4


def coarse(spread: np.ndarray, mean: float, seed: int) -> CoarseFilms:
    """Return films that vary along four smooth patterns, AP films by 0.05 brighter."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    patterns = np.stack([np.cos(np.pi * x), np.cos(np.pi * y), np.cos(2 * np.pi * x), np.cos(np.pi * (x + y))])
    greys = mean + (rng.standard_normal((FILMS, PATTERNS)) @ spread) @ patterns.reshape(PATTERNS, -1)
    ap = np.arange(FILMS) % 2 == 0
    greys = greys + 0.05 * ap[:, None] + 0.001 * rng.standard_normal(greys.shape)
    return CoarseFilms(greys, ap, np.ones(FILMS, bool))


@pytest.fixture(scope="module")
def chest() -> ChestFilm:
    body = draw_body(60.0, "M", np.random.default_rng(1))
    return render(body, draw_pose(body, "PA", np.random.default_rng(2)))


def dressed(look: Appearance, films: CoarseFilms) -> np.ndarray:
    views = np.where(films.ap, "AP", "PA")
    nowhere = np.zeros((SIDE, SIDE), np.float32)
    both = [look.dress(one.reshape(SIDE, SIDE), view, nowhere) for one, view in zip(films.greys, views, strict=True)]
    return np.stack(both).reshape(len(both), -1)


def test_drawn_films_get_the_mean_and_the_spread_of_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appearance, "FLOOR", 0.0001)
    drawn = coarse(np.diag([0.05, 0.02, 0.03, 0.01]), 0.5, 1)
    turned = np.array([[0.03, 0.02, 0, 0], [0.02, 0.04, 0, 0], [0, 0, 0.02, 0], [0, 0, 0, 0.03]])
    real = coarse(turned, 0.4, 2)
    after = replace(drawn, greys=dressed(fit(drawn, real), drawn))
    assert np.abs(after.means() - real.means()).max() < 0.01
    axes = np.linalg.svd(real.off_means(), full_matrices=False)[2][:PATTERNS]
    was, now, wanted = (np.cov((one.off_means() @ axes.T).T) for one in (drawn, after, real))
    assert np.abs(now - wanted).max() < 0.05 * np.trace(wanted) < 0.3 * np.abs(was - wanted).max()


def test_films_that_look_real_already_stay_as_they_are() -> None:
    films = coarse(np.diag([0.05, 0.02, 0.03, 0.01]), 0.5, 3)
    assert np.abs(dressed(fit(films, films), films) - np.clip(films.greys, 0, 1)).max() < 0.02


def test_the_shipped_look_changes_what_is_smooth_and_keeps_the_edges(chest: ChestFilm) -> None:
    look = load_appearance()
    film = look.dress(chest.film, "PA", inside(chest))
    assert film.shape == chest.film.shape and film.dtype == np.float32
    assert film.min() >= 0 and film.max() <= 1
    assert np.abs(downscaled(film) - downscaled(chest.film)).mean() > 0.03
    edges = [np.abs(np.diff(one, axis=1)).ravel() for one in (film, chest.film)]
    assert np.corrcoef(*edges)[0, 1] > 0.8
    lungs = np.maximum(chest.masks["right lung"], chest.masks["left lung"]) > 0.5
    assert film[lungs].mean() < film[(chest.masks["heart"] > 0.5) & ~lungs].mean() - 0.1
    assert np.abs(look.dress(chest.film, "AP", inside(chest)) - film).max() > 0.05


def test_a_look_is_read_as_it_was_written_and_missed_in_one_sentence(tmp_path: Path) -> None:
    films = coarse(np.diag([0.05, 0.02, 0.03, 0.01]), 0.5, 4)
    look = fit(films, coarse(np.eye(PATTERNS) * 0.02, 0.4, 5))
    look.save(tmp_path / "look.safetensors")
    again = load_appearance(tmp_path / "look.safetensors")
    one = films.greys[0].reshape(SIDE, SIDE)
    assert np.abs(again.dress(one, "AP", one) - look.dress(one, "AP", one)).max() < 0.01
    with pytest.raises(UsageError, match="casebind train generator films"):
        load_appearance(tmp_path / "none.safetensors")
