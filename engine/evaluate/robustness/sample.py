"""The recordings that are attacked, and the collection of their own kind in which they search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from engine.datasets.open_recordings import Recording, recordings
from engine.errors import UsageError
from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.robustness.attacks import Encoder, PreparedInputs
from engine.evaluate.robustness.defences import squeezed
from engine.findings import findings, sharing
from engine.model.packing import pack, unpack
from engine.model.release import Release
from engine.model.squeeze import moves
from engine.study import Film, Study, Trace
from engine.training.data.captions import many_hot
from engine.training.data.prepared import windows

DATASET = {"cxr": "nih-cxr14", "ecg": "PTB-XL"}  # whose labels may be compared; PPGs of all sets
PART = 32  # recordings prepared and encoded at a time
VERSION = "2"  # of what is kept; a change of preparation or of the squeezed copy raises it


@dataclass(frozen=True, eq=False)
class Collection:
    """Recordings of one modality and split with a known finding, one window each.

    bits         : codes as bits (n, 256)
    moved, turns : how many of them the squeezed copy has otherwise, and how far its projections turn, (n,) each
    """

    recordings: list[Recording]
    bits: np.ndarray
    moved: np.ndarray
    turns: np.ndarray

    @cached_property
    def has_finding(self) -> np.ndarray:
        """Findings (n, findings) bool."""
        return many_hot(findings(r.labels, r.heart_rate) for r in self.recordings)

    @cached_property
    def patients(self) -> np.ndarray:
        """Pseudonyms (n,)."""
        return np.array([r.patient_id for r in self.recordings])


@dataclass(frozen=True, eq=False)
class AttackSample:
    """The attacked recordings: their places in the collection, their inputs, and a chosen study for each as target."""

    places: np.ndarray
    inputs: PreparedInputs
    targets: np.ndarray


def listed(path: Path, modality: str, split: str) -> list[Recording]:
    """Return the recordings of a split that may be asked with; UsageError where fewer than six patients have any."""
    found = [
        r
        for r in recordings(path, split, modality)
        if r.dataset == DATASET.get(modality, r.dataset) and findings(r.labels, r.heart_rate)
    ]
    if len({r.patient_id for r in found}) < 6:
        raise UsageError(
            f"{path} has {len(found)} labelled recordings of {modality} in {split}: attacks are measured on six "
            "patients and more."
        )
    return found


def collection(release: Release, modality: str, found: list[Recording], cache: Path) -> Collection:
    """Return the collection of these recordings, encoded once."""
    ids = "\n".join(r.study_id for r in found)
    file = cache / f"robustness-{modality}-{key(VERSION, release.digest, modality, ids)}.npz"
    arrays = cached_arrays(file, lambda: _encoded(Encoder(release, modality), found))
    return Collection(found, unpack(arrays["codes"]), arrays["moved"], arrays["turns"])


def sample(release: Release, modality: str, within: Collection, n: int, seed: int = 0) -> AttackSample:
    """Return at most n recordings of different patients, drawn by chance, each with a target.

    Each shares a finding with a study of another patient, so that something can be lost; a target is a study of another
    patient that shares none.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(within.recordings))
    shares, others = _pairs(within)
    order = order[((shares & others).any(1) & (~shares & others).any(1))[order]]
    _, first = np.unique(within.patients[order], return_index=True)
    places = order[np.sort(first)][:n]
    targets = np.array([rng.choice(np.flatnonzero(row)) for row in (~shares & others)[places]])
    return AttackSample(places, inputs_of(release, [study_of(within.recordings[i]) for i in places]), targets)


def that_find_something(within: Collection) -> np.ndarray:
    """Return the places of recordings that share a finding with a study of another patient: (n,)."""
    shares, others = _pairs(within)
    return np.flatnonzero((shares & others).any(1))


def _pairs(within: Collection) -> tuple[np.ndarray, np.ndarray]:
    """Return which recordings share a finding, and which are of different patients: (n, n) bool each."""
    return sharing(within.has_finding, within.has_finding), within.patients[:, None] != within.patients[None]


def study_of(recording: Recording) -> Study:
    """Return a recording as it is searched: a film, or the first ten seconds of a trace."""
    study = recording.study()
    return recording.of_trace(windows(study.content)[0]) if isinstance(study.content, Trace) else study


def inputs_of(release: Release, studies: Sequence[Study]) -> PreparedInputs:
    """Return the prepared inputs of studies of one modality, and which of their values are recorded."""
    made = [release.inputs(study) for study in studies]
    stacked = {name: torch.from_numpy(np.stack([np.asarray(one[name]) for one in made])) for name in made[0]}
    x = stacked.pop("x")
    if isinstance(studies[0].content, Film):
        return PreparedInputs(x)
    at = torch.arange(x.shape[-1])
    inside = at[None] < (stacked["length"] * x.shape[-1]).round()[:, None]
    present = stacked["flags"][:, : x.shape[1]] > 0 if "flags" in stacked else torch.ones(x.shape[:2], dtype=torch.bool)
    return PreparedInputs(x, stacked, present[:, :, None] & inside[:, None])


def _encoded(encoder: Encoder, listed: list[Recording]) -> dict[str, np.ndarray]:
    """Return packed codes (n, 32), and how many bits the squeezed copies move and how far they turn, (n,) each."""
    from tqdm import tqdm

    codes, found = [], []
    for start in tqdm(range(0, len(listed), PART), f"encode {encoder.modality}", disable=None):
        inputs = inputs_of(encoder.release, [study_of(r) for r in listed[start : start + PART]])
        own = encoder.values(inputs)
        codes.append(pack(own > 0))
        found.append(moves(own, encoder.values(inputs, squeezed(encoder.modality))))
    moved, turns = (np.concatenate(part) for part in zip(*found, strict=True))
    return {"codes": np.concatenate(codes), "moved": moved, "turns": turns}
