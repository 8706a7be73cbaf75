"""The fitted generators of films' look, ECGs and PPGs, put together as one Generators; loaded when first needed.

A generator's file is looked for in the folder that is named, then among those shipped with Casebind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UsageError
from engine.settings import MODELS
from engine.synthetic.painted import DrawnFilm, draw_film
from engine.synthetic.patients import Encounter
from engine.synthetic.write import Generators

if TYPE_CHECKING:
    from engine.synthetic.cxr.appearance import Appearance
    from engine.synthetic.ecg.model import EcgModel
    from engine.synthetic.ppg.model import PulseModel
    from engine.synthetic.rhythm import Rhythm

SHIPPED = MODELS / "generators"
FILMS = "films"
FILES = {FILMS: ("film-appearance.safetensors",), "ecg": ("ecg.npz",), "ppg": ("ppg.safetensors",)}


def fit(
    part: str, recordings: Path, out: Path, seed: int = 0, on_progress: Callable[[str], None] = lambda line: None
) -> Path:
    """Fit "films", "ecg" or "ppg" on `train` of the open recordings, write it under `out`, and return its file.

    seed : of the bodies that films are drawn of
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / FILES[part][-1]
    if part == FILMS:
        from engine.synthetic.cxr.fit_appearance import fit_films

        fit_films(recordings, out, seed, on_progress)
    elif part == "ecg":
        from engine.synthetic.ecg.fit import fit as fit_ecg
        from engine.synthetic.ecg.model import save_model

        save_model(fit_ecg(recordings), file)
    else:
        from engine.synthetic.ppg.learn import fit as fit_ppg

        fit_ppg(recordings).save(file)
    return file


def load(folder: Path) -> Generators:
    """Return the generators of `folder`, the shipped ones where it has none; UsageError where one is nowhere."""
    from engine.synthetic.ecg.write import write_ecg
    from engine.synthetic.rhythm import draw_rhythm

    files = {part: [find(folder, part, name) for name in names] for part, names in FILES.items()}
    drawn = FittedGenerators(files)
    return Generators(draw_rhythm, drawn.film, drawn.ecg, drawn.ppg, write_ecg, drawn.version)


def missing(folder: Path, part: str) -> bool:
    """Say whether a file of "films", "ecg" or "ppg" is neither in the folder nor shipped."""
    return any(not (folder / name).is_file() and not (SHIPPED / name).is_file() for name in FILES[part])


def find(folder: Path, part: str, name: str) -> Path:
    """Return a generator's file; UsageError where it is neither in the folder nor shipped."""
    for place in (folder, SHIPPED):
        if (place / name).is_file():
            return place / name
    raise UsageError(
        f"There is no generator file {name} in {folder}: fit it with `casebind train generator {part} --out {folder}`."
    )


class FittedGenerators:
    """Fitted generators as functions; models are read once, when they are first needed."""

    def __init__(self, files: dict[str, list[Path]]) -> None:
        self.files = files

    @cached_property
    def version(self) -> str:
        """One sha256 over all files and the version of the films' anatomy."""
        from engine.synthetic.cxr.base import VERSION

        digest = hashlib.sha256(VERSION.encode())
        for file in (file for part in sorted(self.files) for file in self.files[part]):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    @cached_property
    def _look(self) -> Appearance:
        from engine.synthetic.cxr.appearance import load_appearance

        return load_appearance(self.files[FILMS][0])

    @cached_property
    def _ecg_model(self) -> EcgModel:
        from engine.synthetic.ecg.model import load_model

        return load_model(self.files["ecg"][0])

    @cached_property
    def _ppg_model(self) -> PulseModel:
        from engine.synthetic.ppg.model import load_model

        return load_model(self.files["ppg"][0])

    def film(self, encounter: Encounter, person: np.random.Generator, rng: np.random.Generator) -> DrawnFilm:
        """Draw the encounter's film."""
        return draw_film(encounter, person, rng, self._look)

    def ecg(
        self, encounter: Encounter, rhythm: Rhythm, person: np.random.Generator, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw (12, 5000) int16."""
        from engine.synthetic.ecg.draw import draw_ecg

        return draw_ecg(self._ecg_model, encounter, rhythm, person, rng)

    def ppg(
        self, encounter: Encounter, rhythm: Rhythm, person: np.random.Generator, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw (1250,) whole numbers."""
        from engine.synthetic.ppg.draw import draw_ppg

        return draw_ppg(self._ppg_model, encounter, rhythm, person, rng)
