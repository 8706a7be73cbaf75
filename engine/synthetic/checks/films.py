"""Chest films: real and synthetic groups, and the checks of drawn films before they become files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.datasets.open_recordings import recordings
from engine.evaluate import cache
from engine.evaluate.views import encoder_digest
from engine.synthetic.checks import encode, fidelity, memorisation
from engine.synthetic.checks.group import Group, make_group

if TYPE_CHECKING:
    from engine.model.release import Release

ADULTS = "nih-cxr14"  # the population that the film generator learns
READERS = {"release": "films, NIH adults (release)", "foundation": "films, NIH adults (foundation)"}  # space → name

VIEW, SEX, AGED, AGED_FROM = "(view AP)", "(sex F)", "(age 60 or more)", 60


def attributes(view: str, sex: str, age: float | None) -> set[str]:
    """Return view, sex and age of a film as labels, so that they are read back like findings."""
    found = {VIEW} if view == "AP" else set()
    found |= {SEX} if sex == "F" else set()
    return found | ({AGED} if age is not None and age >= AGED_FROM else set())


def film_arrays(release: Release, films: np.ndarray, name: str) -> dict[str, np.ndarray]:
    """Prepared films (n, 224, 224) uint8 → their features and their small pictures."""
    return {**encode.film_spaces(release, films, name), "pixels": memorisation.downscaled(films)}


def real_films(release: Release, path: Path, folder: Path = cache.CACHE) -> Group:
    """Return every open film; encoded once per release and kept in `folder`."""
    listed = recordings(path, modality="cxr")

    def compute() -> dict[str, np.ndarray]:
        films = encode.prepared_films([r.study().content.pixels for r in listed])  # type: ignore[union-attr]
        return film_arrays(release, films, "real films")

    ids = "\n".join(f"{r.study_id} {r.split}" for r in listed)
    spaces = cache.cached_arrays(folder / f"real-cxr-{cache.key(encoder_digest(release, 'cxr'), ids)}.npz", compute)
    rows = [
        (r.study_id, r.patient_id, r.encounter_id, r.dataset, r.split, {*r.labels, *attributes(r.view, r.sex, r.age)})
        for r in listed
    ]
    return make_group("cxr", rows, spaces)


def synthetic_films(
    release: Release, pixels: Sequence[np.ndarray], labels: Sequence[Iterable[str]], ids: Sequence[str] = ()
) -> Group:
    """Return drawn films as a group; without ids they are numbered and each is a patient of its own."""
    names = list(ids) or [f"film-{i:04d}" for i in range(len(pixels))]
    spaces = film_arrays(release, encode.prepared_films(pixels), "synthetic films")
    rows = [(name, name, name, "synthetic", "synthetic", held) for name, held in zip(names, labels, strict=True)]
    return make_group("cxr", rows, spaces)


def film_readers(real: Group, folder: Path = cache.CACHE) -> dict[str, fidelity.Reader]:
    """Return the label readers of both feature spaces, learnt on adult `train` films and kept in `folder`."""
    train, valid = real.of_split("train", [ADULTS]), real.of_split("valid", [ADULTS])
    return {space: cached_reader(train, valid, space, folder) for space in READERS}


def cached_reader(train: Group, valid: Group, space: str, folder: Path) -> fidelity.Reader:
    """Return fidelity.learn's reader for one space, from `folder` where the same one was learnt before."""
    labels = fidelity.readable(train)
    content = repr([(g.ids.tolist(), [sorted(held) for held in g.labels]) for g in (train, valid)])
    sums = "".join(str(float(g.spaces[space].astype(np.float64).sum())) for g in (train, valid))

    def compute() -> dict[str, np.ndarray]:
        r = fidelity.learn(train, valid, space, labels)
        return {"strength": np.array(r.strength), "mean": r.mean, "deviation": r.deviation, "weights": r.weights}

    file = folder / f"reader-{train.modality}-{space}-{cache.key(content, sums)}.npz"
    kept = cache.cached_arrays(file, compute)
    return fidelity.Reader(labels, float(kept["strength"]), kept["mean"], kept["deviation"], kept["weights"])


def film_fidelity(real: Group, synthetic: Group, folder: Path = cache.CACHE) -> dict[str, list[dict[str, Any]]]:
    """Return the label rows of each reading."""
    test = real.of_split("test", [ADULTS])
    readers = film_readers(real, folder)
    return {READERS[space]: fidelity.fidelity(reader, test, synthetic, space) for space, reader in readers.items()}
