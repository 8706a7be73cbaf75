"""The fitted generators of films, ECGs and PPGs, put together as one Generators; each is loaded when it first draws.

A generator's file is looked for in the folder that is named, then among those shipped with Casebind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UsageError
from engine.settings import MODELS
from engine.synthetic.patients import Encounter
from engine.synthetic.write import Generators, Rngs

if TYPE_CHECKING:
    from engine.synthetic.cxr.codec import Codec
    from engine.synthetic.cxr.flow import Flow
    from engine.synthetic.cxr.reader import FilmReader
    from engine.synthetic.ecg.model import EcgModel
    from engine.synthetic.ppg.model import PulseModel
    from engine.synthetic.rhythm import Rhythm

SHIPPED = MODELS / "generators"
FILES = {
    "films": ("film-codec.safetensors", "film-reader.npz", "film-flow.safetensors"),
    "ecg": ("ecg.npz",),
    "ppg": ("ppg.safetensors",),
}


def fit(part: str, recordings: Path, out: Path, scale: float = 1.0) -> Path:
    """Fit "films", "ecg" or "ppg" on `train` of the open recordings, write it under `out`, and return its file.

    scale : of the films' training steps, e.g. 0.01 for a trial
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / FILES[part][-1]
    if part == "films":
        from engine.synthetic.cxr.train import train_films

        train_films(recordings, out, scale)
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
    return Generators(draw_rhythm, drawn.films, drawn.ecg, drawn.ppg, write_ecg, drawn.version, drawn.too_faint)


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
        """One sha256 over all files."""
        digest = hashlib.sha256()
        for file in (file for part in sorted(self.files) for file in self.files[part]):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    @cached_property
    def _film_parts(self) -> tuple[Codec, Flow]:
        from engine.synthetic.cxr.train import load_codec, load_flow

        codec, _, flow = self.files["films"]
        return load_codec(codec.parent), load_flow(flow.parent)

    @cached_property
    def _film_reader(self) -> FilmReader:
        from engine.synthetic.cxr.reader import load_reader

        return load_reader(self.files["films"][1])

    @cached_property
    def _ecg_model(self) -> EcgModel:
        from engine.synthetic.ecg.model import load_model

        return load_model(self.files["ecg"][0])

    @cached_property
    def _ppg_model(self) -> PulseModel:
        from engine.synthetic.ppg.model import load_model

        return load_model(self.files["ppg"][0])

    def films(self, encounters: Sequence[Encounter], persons: Rngs, rngs: Rngs) -> Sequence[np.ndarray]:
        """Draw one film an encounter, together."""
        from engine.synthetic.cxr.sample import draw_films

        return list(draw_films(*self._film_parts, encounters, persons, rngs))

    def too_faint(self, encounter: Encounter, film: np.ndarray) -> str:
        """Return "" or which of the encounter's findings a film shows too little of."""
        return self._film_reader.too_faint(film, encounter.film)

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
