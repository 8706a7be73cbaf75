"""`casebind evaluate human`: whether distances agree with people who chose which of two films is more like a third.

100 lay people answered triplets of children's films (Liu et al., ICLR 2023): an anchor, the film they chose as more
like it, and the film they did not. A triplet belongs to the last split that one of its films is in. Agreement is the
share of triplets whose chosen film is the nearer one; equally near films count half.

A round of learning is fed with the choices of earlier splits as ratings (chosen: relevant, other: irrelevant), with no
film of a measured triplet among them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.errors import UsageError
from engine.evaluate.learning.collection import learnt
from engine.evaluate.plots import intervals
from engine.evaluate.tables import EvaluationTable, table_of
from engine.files import sha256_of
from engine.learning.fit import FitPlan, Mapped, RatedPairs, fit
from engine.metrics.resampling import measured_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.packing import LENGTHS
from engine.model.release import Release
from engine.training.hashing.train import LabelledEmbeddings

FILE = Path("pairs") / "cxr_similarity_triplets.csv"
EARLIER = {"valid": ("train",), "test": ("train", "valid")}  # the splits whose choices a round may learn from
OURS, CODES, LABELS = "ours, float", "ours, 256 bits", "same published labels"
ROUND, BARE = f"{CODES}, after a round", f"{CODES}, after a round without choices"
TRUNK, PIXELS = "frozen trunk, class token", "pixels"
NOTES = (
    "Lay people's eyes, not readers': what looks alike to a person, never clinical relevance.",
    "Pixels: correlation of the films as they are prepared for the model. Same labels: no distance, but whether the "
    "chosen film alone has the anchor's labels; both or neither count half.",
    "The interval draws patients of the anchors; a film may stand in several triplets.",
    "The round learns from the choices alone: its original pairs are films of the triplets it is fed with.",
)


@dataclass(frozen=True)
class Triplets:
    """t triplets by places in a list of films: anchor, chosen, rejected, (t,) int each."""

    anchor: np.ndarray
    chosen: np.ndarray
    rejected: np.ndarray

    def __len__(self) -> int:
        return len(self.anchor)

    @property
    def films(self) -> np.ndarray:
        """Return the places of all their films, none twice."""
        return np.unique(np.concatenate([self.anchor, self.chosen, self.rejected]))

    def take(self, kept: np.ndarray) -> Triplets:
        """Return a part of the triplets, by mask."""
        return Triplets(self.anchor[kept], self.chosen[kept], self.rejected[kept])

    def agreement(self, vectors: np.ndarray) -> np.ndarray:
        """Return 1 where the chosen film's vector is the nearer, 0.5 at a tie, else 0: vectors (n, f) → (t,)."""
        a = vectors[self.anchor]
        gain = ((vectors[self.chosen] - vectors[self.rejected]) * a).sum(1)
        return np.asarray((np.sign(gain) + 1) / 2)


def triplets(path: Path, splits: tuple[str, ...]) -> tuple[Triplets, list[Recording]]:
    """Return the triplets of some splits, and the films that they count by. UsageError where there is none."""
    if not (path / FILE).is_file():
        raise UsageError(f"There is no {FILE} in {path}: put the similarity triplets of Liu et al. (2023) there.")
    with (path / FILE).open(newline="", encoding="utf-8") as handle:
        asked = [row for row in csv.DictReader(handle) if row["split"] in splits]
    films = {recording.study_id: recording for recording in recordings(path, modality="cxr")}
    names = [[row[part] for part in ("anchor", "chosen", "rejected")] for row in asked]
    names = [one for one in names if all(name in films for name in one)]
    listed = sorted({name for one in names for name in one})
    place = {name: number for number, name in enumerate(listed)}
    places = np.array([[place[name] for name in one] for one in names], int).reshape(-1, 3)
    return Triplets(*places.T), [films[name] for name in listed]


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return agreement with people's choices: floats, codes, a round's codes, the frozen trunk, pixels and labels."""
    asked, films = triplets(path, (split,))
    if not len(asked):
        raise UsageError(f"No triplet of {split} in {path / FILE} has its three films in cxr.csv: nothing is asked.")
    given, rated_films = triplets(path, EARLIER[split])
    table, rated = (_table(release, path, listed, split, cache) for listed in (films, rated_films))
    seen = {films[place].study_id for place in asked.films}
    free = np.array([recording.study_id not in seen for recording in rated_films], bool)
    given = given.take(free[given.anchor] & free[given.chosen] & free[given.rejected])
    found = {OURS: asked.agreement(table.z), **_by_codes(release, asked, table)}
    if len(given):
        made = _after_rounds(release, given, rated, table.z)
        found |= {name: asked.agreement(bits) for name, bits in made.items()}
    found[TRUNK] = asked.agreement(_unit(table.arrays["trunk"]))
    found[PIXELS] = asked.agreement(_unit(_pixels(films)))
    found[LABELS] = _same_labels(asked, films)
    patients = table.patients[asked.anchor]
    return Measurement("human", release.name, split, _rows(found, patients, len(given)), NOTES)


def _rows(found: dict[str, np.ndarray], patients: np.ndarray, given: int) -> list[ResultRow]:
    """Return agreement on all triplets and where labels do not decide, then what ours has more than each baseline."""
    undecided, rows = found[LABELS] == 0.5, []
    for task, kept in (("all triplets", np.ones(len(patients), bool)), ("labels do not decide", undecided)):
        if not kept.any():
            continue
        for name, values in found.items():
            more = {"rated triplets": given} if name == ROUND else {}
            figures = {"agreement": measured_mean(values[kept], patients[kept])}
            rows.append(ResultRow(task, name, figures, distinct(patients[kept]), {"agreement": 0.5}, more))
    pairs = [(OURS, TRUNK), (OURS, PIXELS), (CODES, PIXELS), (ROUND, CODES), (ROUND, BARE), (ROUND, PIXELS)]
    for mine, other in pairs:
        if mine in found:
            gain = measured_mean(found[mine] - found[other], patients)
            rows.append(ResultRow("all triplets", f"{mine} − {other}", {"difference": gain}, distinct(patients)))
    return rows


def _table(release: Release, path: Path, films: list[Recording], split: str, cache: Path) -> EvaluationTable:
    named = [recording.study_id for recording in films]
    return table_of(
        release, "cxr", films, (split, "triplets", sha256_of(path / "cxr" / "cxr.csv"), *named), cache=cache
    )


def _by_codes(release: Release, asked: Triplets, table: EvaluationTable) -> dict[str, np.ndarray]:
    """Return agreement by Hamming distance at every length."""
    bits = _signs(release.projections(table.z, "cxr"))
    return {f"ours, {length} bits": asked.agreement(bits[:, :length]) for length in reversed(LENGTHS)}


def _signs(projections: np.ndarray) -> np.ndarray:
    """Return bits as −1 and 1, whose inner product falls as the Hamming distance grows: (n, 256)."""
    return np.where(projections > 0, 1.0, -1.0)


def _after_rounds(release: Release, given: Triplets, rated: EvaluationTable, z: np.ndarray) -> dict[str, np.ndarray]:
    """Return bits (n, 256) of embeddings after one round on the choices, and after one on its original pairs alone."""
    import torch

    used, marks = rated.take(given.films), _as_ratings(given, rated)
    replay = {"cxr": LabelledEmbeddings(torch.from_numpy(used.z), torch.from_numpy(used.has_finding))}
    before, out = Mapped(release.layer(), release.heads), {}
    for name, pairs in ((ROUND, marks), (BARE, marks.take(np.zeros(0, int)))):
        model = learnt(before, fit(release.layer(), release.heads, pairs, replay, FitPlan()))
        with torch.no_grad():
            mapped = model.mapped(torch.from_numpy(z), "cxr")
            out[name] = _signs(model.layer.project(mapped, "cxr").numpy())
    return out


def _as_ratings(given: Triplets, table: EvaluationTable) -> RatedPairs:
    """Return two rated pairs a triplet: the anchor with the chosen film, relevant, and with the other, irrelevant."""
    count = 2 * len(given)
    modality = np.full(count, "cxr")
    return RatedPairs(
        zq=np.tile(table.z[given.anchor], (2, 1)),
        zs=np.concatenate([table.z[given.chosen], table.z[given.rejected]]),
        mq=modality,
        ms=modality,
        target=np.repeat(np.array([1, 0], np.float32), len(given)),
        weight=np.ones(count, np.float32),
        has_finding=np.zeros((count, table.has_finding.shape[1]), bool),
    )


def _unit(x: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros stays: (n, f) → (n, f)."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(length > 0, length, 1))


def _pixels(films: list[Recording]) -> np.ndarray:
    """Return prepared films with their mean removed: (n, 224·224) float32."""
    from engine.model.cxr import prepare

    flat = np.stack([prepare(recording.study().content).ravel() for recording in films])  # type: ignore[arg-type]
    return np.asarray(flat - flat.mean(1, keepdims=True))


def _same_labels(asked: Triplets, films: list[Recording]) -> np.ndarray:
    """Return 1 where the chosen film alone has the anchor's labels, 0 where the other alone, else 0.5: (t,)."""
    held = [frozenset(recording.labels) for recording in films]
    sides = [
        np.array([held[a] == held[b] for a, b in zip(asked.anchor, side, strict=True)], float)
        for side in (asked.chosen, asked.rejected)
    ]
    return np.asarray((sides[0] - sides[1] + 1) / 2)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw every method's agreement."""
    return intervals(measurement, ("agreement",), folder)
