"""Nearest training recordings of a whole group, beside those of real test recordings, and the closest pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluate import cache
from engine.synthetic.checks import memorisation
from engine.synthetic.checks.beats import beat_cosines, wave_cosines
from engine.synthetic.checks.group import Group

Similarity = Callable[[np.ndarray, np.ndarray], np.ndarray]

FILM_SIMILARITIES: dict[str, Similarity] = {
    "pixels": memorisation.film_cosines,
    "release": memorisation.feature_cosines,
}
ECG_SIMILARITIES: dict[str, Similarity] = {
    "beat": beat_cosines,
    "wave": wave_cosines,
    "shape": memorisation.feature_cosines,
}
PPG_SIMILARITIES: dict[str, Similarity] = {
    "beat": beat_cosines,
    "wave": wave_cosines,
    "release": memorisation.feature_cosines,
}


@dataclass(frozen=True, eq=False)
class CopySearch:
    """One space's nearest training recordings: figures for the record; distances and numbers, (n,), for pictures."""

    figures: dict[str, Any]
    distances: np.ndarray
    nearest: np.ndarray


def search(
    train: Group, test: Group, ours: Group, similarities: dict[str, Similarity], *, folder: Path, release: str
) -> dict[str, CopySearch]:
    """Return each space's search of `ours` in `train` beside that of `test`, the latter kept in `folder`.

    release : digest of the encoder that made the features. Nothing where `train` or `test` is empty.
    """
    if not (len(train) and len(test)):
        return {}

    def compute() -> dict[str, np.ndarray]:
        return {s: memorisation.nearest(way(test.spaces[s], train.spaces[s]))[0] for s, way in similarities.items()}

    file = folder / f"apart-{train.modality}-{cache.key(release, *similarities, *train.ids, '|', *test.ids)}.npz"
    real, found = cache.cached_arrays(file, compute), {}
    for space, way in similarities.items():
        distances, index = memorisation.nearest(way(ours.spaces[space], train.spaces[space]))
        found[space] = CopySearch(memorisation.verdict(distances, real[space], ours.ids), distances, index)
    return found


def figures(searches: dict[str, CopySearch]) -> dict[str, Any]:
    """Return what is recorded of a search."""
    return {space: one.figures for space, one in searches.items()}
