"""casebind evaluate explanations: whether maps of pairs can be believed, by method and modality.

Queries are recordings of the split, each with the nearest of another patient; only the query's map is looked at.
Sanity, faithfulness and stability are checked on the same pairs; where findings are is known from the boxes that
radiologists drew on NIH films (Wang et al. 2017), from the outlines of the synthetic cohort, and from LUDB's marks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from engine.datasets.open_recordings import recordings
from engine.evaluate.cache import key
from engine.evaluate.explained_regions import MarkedStudy, boxed_films, marked_ecgs, painted_films
from engine.evaluate.map_checks import (
    LEVELS,
    NoisyRelease,
    both_sides,
    curves,
    located,
    order_alike,
    randomised,
    shown,
    side_map,
)
from engine.explain.maps import GRADIENTS, METHODS, SHAP, SMALL_RISE
from engine.files import write_whole
from engine.metrics.resampling import Estimate, measured_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.release import Release
from engine.study import Study

VERSION = "1"  # of how figures are computed
KINDS = ("cxr", "ecg", "ppg")
POOL = {"cxr": 40, "ecg": 60, "ppg": 60}  # recordings among which the nearest is sought
LEAST_RISE = 2 * SMALL_RISE  # of similarity over the baseline: a share of less says nothing
EITHER = "of either sign"  # the size of the correlation after the top layers
ON_FILMS = (GRADIENTS, SHAP)  # occlusion of a film takes longest, and nobody is shown it first
RANDOM_ORDERS = 2
BOTH = "top layers of both"  # query and match through the same shuffled head
ALIKE = 0.2  # at most, of a map with that of shuffled weights
TWICE = 2.0  # the area's own chance, for the pointing game
ABOUT = {
    "boxes": "NIH films with a radiologist's box",
    "painted": "films of the synthetic cohort with a painted finding",
    "QRS": "QRS as marked in LUDB",
    "P": "P as marked in LUDB",
}
NOTES = (
    "Maps are the query's, as they are shown: signed, smoothed, blank within twice the error or where not converged.",
    "'top layers' and 'every layer': rank correlation with the map after the weights of the query's head, or all, were "
    f"shuffled, the match's embedding held. At most {ALIKE} after the top layers passes.",
    f"'{EITHER}' is the mean size of that correlation: where it is high, the same places are marked with another sign.",
    f"'{BOTH}' is no check: a shuffled head that both sides go through is a random projection, which keeps cosines.",
    "Deletion and insertion are shares of the change in similarity; of pairs that rise by "
    f"{LEAST_RISE:g} or more over their baseline. 'over random' above 0 with its interval passes.",
    "'hit' is the pointing game, chance the region's area; 'middle' is how often the middle of the picture is inside.",
)
Say = Callable[[str], None]
Rows = Iterator[ResultRow]


@dataclass(frozen=True)
class ExplanationSample:
    """How much is looked at.

    pairs : of traces of each kind at most, half as many of films, whose maps take ten times as long
    films : boxed and painted, of each at most
    ludb  : LUDB's published folder
    """

    pairs: int = 6
    films: int = 6
    ludb: Path | None = None


@dataclass(frozen=True, eq=False)
class ExplainedPair:
    """One query with the study that it is explained against."""

    patient: str
    query: Study
    match: Study
    other: torch.Tensor


def evaluate(
    release: Release, path: Path, split: str, sample: ExplanationSample, cache: Path, *, say: Say = lambda line: None
) -> Measurement:
    """Return rows of sanity, faithfulness and stability by kind and method, and of where maps lie.

    cache : a folder for the figures of each pair, so that a run that was stopped goes on
    say   : hears what is being done
    """
    notes = FigureNotes(cache, key(release.digest, split, VERSION))
    torch.set_num_threads(1)
    rows: list[ResultRow] = []
    for kind in KINDS:
        pairs = _pairs(release, path, split, kind, max(1, sample.pairs // 2) if kind == "cxr" else sample.pairs)
        if pairs:
            rows += _checked(release, kind, pairs, notes, say)
    marked = {"boxes": boxed_films(release, path, split, sample.films), "painted": painted_films(release, sample.films)}
    if sample.ludb is not None:
        marked |= marked_ecgs(release, sample.ludb, sample.pairs)
    for name, studies in marked.items():
        if studies:
            rows += _localised(release, name, studies, notes, say)
    return Measurement("explanations", release.name, split, rows, NOTES)


def _pairs(release: Release, path: Path, split: str, kind: str, most: int) -> list[ExplainedPair]:
    """Return the same pairs every time: queries of different patients, each with the nearest of another patient."""
    listed = recordings(path, split, kind)
    order = np.random.default_rng(27).permutation(len(listed))[: POOL[kind]]
    there = [listed[i] for i in order]
    studies = [one.study() for one in there]
    embedded = release.mapped(release.embed(studies), kind)
    near = embedded @ embedded.T
    patients = np.array([one.patient_id for one in there])
    near[patients[:, None] == patients[None]] = -2
    out: dict[str, ExplainedPair] = {}
    for i, one in enumerate(there):
        if len(out) < most and one.patient_id not in out:
            j = int(near[i].argmax())
            out[one.patient_id] = ExplainedPair(one.patient_id, studies[i], studies[j], torch.from_numpy(embedded[j]))
    return list(out.values())


def _checked(release: Release, kind: str, pairs: list[ExplainedPair], notes: FigureNotes, say: Say) -> Rows:
    """Yield the rows of one kind: sanity and stability of each method, then faithfulness of each beside random."""
    methods = ON_FILMS if kind == "cxr" else METHODS
    found: dict[str, list[dict[str, float]]] = {method: [] for method in methods}
    for number, pair in enumerate(pairs):
        say(f"{kind}: pair {number + 1} of {len(pairs)}")
        for method in methods:
            name = f"held {kind} {pair.patient} {number} {method}"
            found[method].append(notes.of(name, partial(_of_pair, release, pair, number, method)))
    patients = [one.patient for one in pairs]
    for method, each in found.items():
        sane = {level: _mean(each, level, patients) for level in LEVELS}
        further = [name for name in (BOTH, "under noise") if name in each[0]]
        sizes = [{EITHER: abs(one[LEVELS[0]])} for one in each]
        figures = {**sane, EITHER: _mean(sizes, EITHER, patients)}
        figures |= {name: _mean(each, name, patients) for name in further}
        passes = abs(sane[LEVELS[0]].value) <= ALIKE
        yield ResultRow(f"{kind} sanity", method, figures, distinct(patients), more=_verdict(passes))
    rising = [i for i, one in enumerate(found[GRADIENTS]) if one["rise"] >= LEAST_RISE]
    if not rising:
        return
    named = [patients[i] for i in rising]
    for method, each in found.items():
        some = [each[i] for i in rising]
        figures = {name: _mean(some, name, named) for name in ("deletion", "insertion", "over random")}
        luck = {name: float(np.mean([one[f"random {name}"] for one in some])) for name in ("deletion", "insertion")}
        passes = figures["over random"].low > 0
        yield ResultRow(f"{kind} faithfulness", method, figures, distinct(named), luck, _verdict(passes))


def _of_pair(release: Release, pair: ExplainedPair, seed: int, method: str) -> dict[str, float]:
    """Return the figures of one pair by one method."""
    measure, rng = curves(release, pair.query, pair.other), np.random.default_rng(seed)
    luck = np.mean([measure.areas(rng.permutation(measure.units)) for _ in range(RANDOM_ORDERS)], axis=0)
    raw = side_map(method, release, pair.query, pair.other)
    drawn = shown(pair.query, raw)
    deletion, insertion = measure.areas(np.argsort(-measure.sums(raw.values), kind="stable"))
    noisy = shown(pair.query, side_map(method, NoisyRelease(release, seed), pair.query, pair.other))
    both = {}
    if pair.query.modality != "cxr":  # a film's map takes seconds
        both = {BOTH: order_alike(drawn, both_sides(method, release, pair.query, pair.match, seed))}
    return {
        "rise": raw.similarity - raw.baseline_similarity,
        "deletion": deletion,
        "insertion": insertion,
        "random deletion": float(luck[0]),
        "random insertion": float(luck[1]),
        "over random": float(luck[0]) - deletion,
        **{
            level: order_alike(drawn, randomised(method, release, pair.query, pair.other, level=level, seed=seed))
            for level in LEVELS
        },
        **both,
        "under noise": order_alike(drawn, noisy),
    }


def _localised(release: Release, name: str, studies: list[MarkedStudy], notes: FigureNotes, say: Say) -> Rows:
    """Yield a row per method of where maps lie against what is known."""
    methods = ON_FILMS if name in ("boxes", "painted") else METHODS
    patients = [one.patient for one in studies]
    for method in methods:
        each: list[dict[str, float]] = []
        for number, one in enumerate(studies):
            say(f"{name}, {method}: {number + 1} of {len(studies)}")
            each.append(notes.of(f"{name} {one.patient} {method}", partial(_place, release, one, method)))
        figures = {key: _mean(each, key, patients) for key in ("hit", "energy", "middle")}
        area = float(np.mean([one["area"] for one in each]))
        passes = figures["hit"].value >= TWICE * area
        said = {**_verdict(passes), "about": ABOUT[name]}
        yield ResultRow(
            f"{name} localisation", method, figures, distinct(patients), {"hit": area, "energy": area}, said
        )


def _place(release: Release, one: MarkedStudy, method: str) -> dict[str, float]:
    """Return where one study's map lies."""
    raw = side_map(method, release, one.study, torch.from_numpy(one.other))
    return asdict(located(shown(one.study, raw), one.region))


@dataclass(frozen=True)
class FigureNotes:
    """Figures that were computed once, as files of a folder; made_of : what all of them depend on."""

    folder: Path
    made_of: str

    def of(self, name: str, compute: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Return the figures of that name, computed and written where they are not there."""
        file = self.folder / "explanations" / f"{key(self.made_of, name)}.json"
        try:
            known: dict[str, float] = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            known = {each: float(value) for each, value in compute().items()}
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, json.dumps(known))
        return known


def _mean(each: list[dict[str, float]], name: str, patients: list[str]) -> Estimate:
    return measured_mean(np.array([one[name] for one in each]), patients)


def _verdict(passes: bool) -> dict[str, str]:
    return {"passes": "yes" if passes else "no"}


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw deletion and insertion of every kind and method."""
    from engine.evaluate.plots import intervals

    return intervals(measurement, ("deletion", "insertion"), folder)
