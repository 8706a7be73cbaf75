"""Every check of drawn films, from arrays: what the command runs on a cohort, and what one runs while learning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.evaluate import cache
from engine.evaluate.views import encoder_digest
from engine.synthetic.checks import copies, encode, pairs, pictures, words
from engine.synthetic.checks.films import ADULTS, READERS, film_arrays, film_fidelity, real_films, synthetic_films
from engine.synthetic.checks.group import Group

if TYPE_CHECKING:
    from engine.model.release import Release

BLUR_PX = 2.0  # deviation of the Gaussian that makes the bad baseline, pixels of 224


def film_report(
    pixels: Sequence[np.ndarray],
    labels: Sequence[Iterable[str]],
    path: Path,
    pictures_folder: Path | None = None,
    *,
    folder: Path = cache.CACHE,
    release: Release | None = None,
) -> dict[str, Any]:
    """Check drawn films against the open recordings under `path`.

    pixels : (n, 224, 224) uint8, or n films of any size. labels : n label sets (CheXpert-14 wording), each with
    films.attributes(view, sex, age) if these are to be read back too.
    shown  : folder for the picture of the closest pairs, none when None. folder : where real features are kept.
    Returns {"fidelity": {space: rows}, "realism": {space: rows}, "memorisation": {space: figures}, "text": str}.
    """
    from engine.model.release import load_release

    release = release or load_release()
    real = real_films(release, path, folder)
    ours = synthetic_films(release, pixels, labels)
    found = check_films(release, path, real, ours, pixels=list(pixels), pictures_folder=pictures_folder, folder=folder)
    return {**found, "text": as_text(found)}


def check_films(
    release: Release,
    path: Path,
    real: Group,
    ours: Group,
    *,
    pixels: Sequence[np.ndarray],
    pictures_folder: Path | None,
    folder: Path,
) -> dict[str, Any]:
    """Return all figures of a group of drawn films, and write the closest pairs where `shown` is a folder."""
    found: dict[str, Any] = {"fidelity": film_fidelity(real, ours, folder)}
    train, test = real.of_split("train", [ADULTS]), real.of_split("test", [ADULTS])
    enough = min(len(test), len(ours)) >= pairs.MIN_STUDIES
    bad = ("blurred real test", blurred(release, path, test, folder)) if enough else None
    found["realism"] = {
        name: pairs.overall(train, test, ours, space, bad) + pairs.by_label(train, ours, space)
        for space, name in READERS.items()
    }
    every = real.of_split("train")
    searched = copies.search(
        every, test, ours, copies.FILM_SIMILARITIES, folder=folder, release=encoder_digest(release, "cxr")
    )
    if pictures_folder is not None:
        draw_closest(path, every, ours, pixels, searched=searched, pictures_folder=pictures_folder)
    found["memorisation"] = copies.figures(searched)
    return found


def blurred(release: Release, path: Path, test: Group, folder: Path) -> Group:
    """Return the real films of `test` after a Gaussian blur of BLUR_PX, with their own labels."""
    from scipy.ndimage import gaussian_filter

    def compute() -> dict[str, np.ndarray]:
        films = encode.prepared_films(film_pixels(path, test.ids))
        return film_arrays(release, gaussian_filter(films, (0, BLUR_PX, BLUR_PX)), "blurred films")

    file = folder / f"blurred-cxr-{cache.key(encoder_digest(release, 'cxr'), str(BLUR_PX), *test.ids)}.npz"
    spaces = cache.cached_arrays(file, compute)
    return Group("cxr", test.ids, test.patients, test.encounters, test.datasets, test.splits, test.labels, spaces)


def film_pixels(path: Path, ids: Iterable[str]) -> list[np.ndarray]:
    """Read open films by study id: grey, uint8, as published."""
    from engine.datasets.open_recordings import recordings

    listed = {r.study_id: r for r in recordings(path, modality="cxr")}
    return [listed[name].study().content.pixels for name in ids]  # type: ignore[union-attr]


def draw_closest(
    path: Path,
    train: Group,
    ours: Group,
    pixels: Sequence[np.ndarray],
    *,
    searched: dict[str, copies.CopySearch],
    pictures_folder: Path,
) -> None:
    """Write one picture per space with the closest ten pairs."""
    for space, found in searched.items():
        index = pictures.closest(found.distances)
        there = found.nearest[index]
        real = encode.prepared_films(film_pixels(path, train.ids[there]))
        mine = encode.prepared_films([pixels[i] for i in index])
        names = [
            (f"{ours.ids[i]}  {found.distances[i]:.3f}", f"{train.ids[j]} ({train.datasets[j]})")
            for i, j in zip(index, there, strict=True)
        ]
        title = f"films, {space}, limit {found.figures['limit']:.3f}"
        sides = list(zip(mine, real, strict=True))
        pictures.save(pictures_folder / f"closest-cxr-{space}.png", title, sides, names, pictures.film)


def as_text(results: dict[str, Any]) -> str:
    """Return the tables of all checks."""
    return words.modality_report("Films", results)
