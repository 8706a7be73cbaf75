"""Films of one data set, and what is made of them, against a film space and a limit that the others give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.datasets.recording import Recording
from engine.files import write_whole
from engine.intake.quality.film import DISTANCE, UPRIGHT, picture_values
from engine.intake.quality.film_space import FilmSpace, fit_space, load_space
from engine.intake.quality.verdict import Measure, QualityVerdict, limit
from engine.study import Film
from engine.training.quality_left_out import GateReading, accepted_by, chosen
from engine.training.quality_negatives import picture_negatives, turned_films

FEATURES = "gate-film-features.npz"
BATCH = 16
FEWEST_FILMS = 100  # that a space is fitted on
PICTURES = "pictures of other things"

Asked = tuple[Recording | None, str, Film]  # recording (None: no recording), kind, picture
Groups = Callable[[Recording, dict[str, str]], dict[str, str]]


def judged_films(
    films: Sequence[tuple[Recording, bool]], groups: Groups, cache: Path
) -> list[tuple[GateReading, bool]]:
    """Decide films, and what is made of those that are to be spoilt, each data set by what the others give.

    The limits come from how far each of the others lies from a space that has seen neither it nor the one in question.
    What is no film at all is judged by a space of every film; where the others have too few, the shipped space holds.
    """
    asked = _asked(films)
    names = [f"{'' if one is None else one.study_id} {kind}" for one, kind, _ in asked]
    measured = _Measured(asked, _features(names, [film for _, _, film in asked], cache / FEATURES), groups)
    found: list[tuple[GateReading, bool]] = []
    for name in np.unique(measured.sets).tolist():
        others = [other for other in np.unique(measured.sets).tolist() if other not in {name, ""}]
        unseen = [
            one for other in others for one in measured.judged(other, without={name, other}) if one.kind == "real"
        ]
        limits = chosen(unseen, "cxr")
        found += [(one, accepted_by(one, limits)) for one in measured.judged(name, without={name})]
    return found


@dataclass(frozen=True, eq=False)
class _Measured:
    """Pictures with their features (n, 768), measured by spaces that were fitted without some data sets."""

    asked: list[Asked]
    features: np.ndarray
    groups: Groups
    spaces: dict[frozenset[str], FilmSpace] = field(default_factory=dict)

    @property
    def sets(self) -> np.ndarray:
        """The data set of each picture, "" for no film, (n,)."""
        return np.array(["" if one is None else one.dataset for one, _, _ in self.asked])

    def space(self, without: frozenset[str]) -> FilmSpace:
        """Fit on the train films of every other set; the shipped space where those are too few."""
        if without not in self.spaces:
            real = np.array([kind == "real" for _, kind, _ in self.asked])
            train = np.array([one is not None and one.split == "train" for one, _, _ in self.asked])
            used = train & ~np.isin(self.sets, list(without))
            films, spoilt = self.features[used & real], self.features[used & ~real]
            enough = len(films) >= FEWEST_FILMS and len(spoilt) > 0
            self.spaces[without] = fit_space(films, self.sets[used & real], spoilt) if enough else load_space()
        return self.spaces[without]

    def judged(self, name: str, without: set[str]) -> list[GateReading]:
        """Measure the pictures of one data set."""
        at = np.flatnonzero(self.sets == name)
        space = self.space(frozenset(without - {""}))
        values = zip(space.distances(self.features[at]), space.uprightness(self.features[at]), strict=True)
        found = []
        for place, (distance, upright) in zip(at.tolist(), values, strict=True):
            one, kind, film = self.asked[place]
            known = {} if one is None else self.groups(one, {})
            verdict = _verdict(film, {DISTANCE: float(distance), UPRIGHT: float(upright)})
            found.append(GateReading("cxr", name or PICTURES, kind, known, True, verdict))
        return found


def _asked(films: Sequence[tuple[Recording, bool]]) -> list[Asked]:
    asked: list[Asked] = []
    for one, spoil in films:
        film = one.study().content
        if not isinstance(film, Film):
            continue
        asked.append((one, "real", film))
        if spoil:
            made = turned_films(film.pixels).items()
            asked += [(one, name, Film(np.ascontiguousarray(pixels), film.bits)) for name, pixels in made]
    pictures = picture_negatives(np.random.default_rng(0)).items()
    return [*asked, *((None, name, Film(pixels, 8)) for name, pixels in pictures)]


def _verdict(film: Film, chest: dict[str, float]) -> QualityVerdict:
    values = {**picture_values(film, {}), **chest}
    measures = []
    for name, value in values.items():
        used = limit("cxr", name)
        measures.append(Measure(name, value, used.value, used.unit, used.allows(value), ""))
    return QualityVerdict(all(one.passed for one in measures), 0.0, (), tuple(measures))


def _features(names: Sequence[str], films: Sequence[Film], file: Path) -> np.ndarray:
    """Trunk features (n, 768) of films; those of names in the file are read, the others are added to it."""
    from engine.model.cxr import prepare
    from engine.model.trunk import film_features

    known: dict[str, np.ndarray] = {}
    if file.is_file():
        with np.load(file) as stored:
            known = dict(zip(stored["names"].tolist(), stored["features"], strict=True))
    missing = [at for at, name in enumerate(names) if name not in known]
    for first in range(0, len(missing), BATCH):
        batch = missing[first : first + BATCH]
        made = film_features(np.stack([prepare(films[at]) for at in batch]))
        known |= {names[at]: row for at, row in zip(batch, made, strict=True)}
    if missing:
        file.parent.mkdir(parents=True, exist_ok=True)
        stored_names, rows = np.array(list(known)), np.stack(list(known.values()))
        write_whole(file, lambda out: np.savez(out, names=stored_names, features=rows), durable=False)
    return np.stack([known[name] for name in names])
