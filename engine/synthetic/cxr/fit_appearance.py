"""Fit the look of films: draw one for every third real one, of its age, sex and view, and compare."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from engine.synthetic.cxr.appearance import FILE, CoarseFilms, downscaled, fit
from engine.synthetic.cxr.body import draw_body, draw_pose
from engine.synthetic.cxr.film import render
from engine.synthetic.cxr.films import load_films

RENDERED = 192  # pixels of a side: three times what is compared
ONE_OF = 3  # real films for which a film is drawn: enough for the spread along AXES, in minutes
EVERY = 100
NO_FINDING = "No Finding"


def fit_films(
    recordings: Path, out: Path, seed: int = 0, on_progress: Callable[[str], None] = lambda line: None
) -> Path:
    """Write the look of the NIH's adult `train` films of `recordings` into the folder `out`; return its file."""
    films, table = load_films(recordings)
    real = CoarseFilms(
        np.stack([downscaled(film).ravel() for film in films[:, 0].numpy()]),
        (table["view"] == "AP").to_numpy(),
        (table["labels"] == NO_FINDING).to_numpy(),
    )
    drawn = draw_coarse_films(table.iloc[::ONE_OF], seed, on_progress)
    out.mkdir(parents=True, exist_ok=True)
    fit(drawn, real).save(out / FILE.name)
    return out / FILE.name


def draw_coarse_films(table: pd.DataFrame, seed: int, on_progress: Callable[[str], None]) -> CoarseFilms:
    """Return films from anatomy alone of the ages, sexes and views of a table of real films."""
    rows = []
    people = list(zip(table["years"], table["sex"], table["view"], strict=True))
    for number, (years, sex, view) in enumerate(people, start=1):
        rng = np.random.default_rng([seed, number, 7])
        body = draw_body(float(years), str(sex), rng)
        rows.append(downscaled(render(body, draw_pose(body, str(view), rng), RENDERED).film).ravel())
        if number % EVERY == 0:
            on_progress(f"{number} of {len(people)} films are drawn.")
    ap = np.array([view == "AP" for _, _, view in people])
    return CoarseFilms(np.stack(rows), ap, np.ones(len(rows), bool))
