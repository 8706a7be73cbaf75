"""A site's collection for a replay: every study of a split with its findings, and the original pairs of `train`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.evaluate.evaluation_sides import EvaluationSide, load_evaluation_sides, typed
from engine.learning.candidates import Candidates, CandidateSide, candidates
from engine.learning.fit import FittedRound, Mapped, Replay
from engine.modalities import MODALITIES
from engine.model.release import Release
from engine.training.hashing.train import LabelledEmbeddings


@dataclass(frozen=True, eq=False)
class ReplayCollection:
    """n studies of all modalities.

    modality, patients : (n,) str      group : (n,) str, the finding that typed words lie nearest to
    z                  : (n, 256) float32, stored embeddings      held : (n, findings) bool, what the oracle knows
    """

    modality: np.ndarray
    patients: np.ndarray
    group: np.ndarray
    z: np.ndarray
    has_finding: np.ndarray

    def __len__(self) -> int:
        return len(self.z)


@dataclass(frozen=True, eq=False)
class ReplayData:
    """What a replay needs: the collection, the original pairs, and the model that the first round begins with."""

    collection: ReplayCollection
    replay: Replay
    model: Mapped


def load_replay_data(release: Release, path: Path, split: str, cache: Path) -> ReplayData:
    """Embed a split and the original pairs with a release."""
    original = load_evaluation_sides(release, path, "train", cache)
    asked = typed(release, cache)
    replay = {
        str(m): LabelledEmbeddings(torch.from_numpy(one.z), torch.from_numpy(one.has_finding))
        for m, one in original.items()
    }
    there = load_evaluation_sides(release, path, split, cache)
    return ReplayData(collection(there, original, asked), replay, Mapped(release.layer(), release.heads))


def collection(
    split_sides: dict[str, EvaluationSide], original: dict[str, EvaluationSide], typed_findings: EvaluationSide
) -> ReplayCollection:
    """Put the modalities one after the other."""
    parts = [split_sides[m] for m in MODALITIES]
    return ReplayCollection(
        np.concatenate([np.full(len(one.z), one.modality) for one in parts]),
        np.concatenate([one.patients for one in parts]),
        np.concatenate(
            [_nearest_words(one.z, original[one.modality].z, typed_findings, original["text"].z) for one in parts]
        ),
        np.concatenate([one.z for one in parts]).astype(np.float32),
        np.concatenate([one.has_finding for one in parts]),
    )


def _nearest_words(
    z: np.ndarray, original: np.ndarray, typed_findings: EvaluationSide, texts: np.ndarray
) -> np.ndarray:
    """Return for each study the finding whose typed words lie nearest, each modality's mean removed: (n,) str."""
    words = np.stack(
        [typed_findings.z[typed_findings.has_finding[:, f]].mean(0) for f in range(typed_findings.has_finding.shape[1])]
    ) - texts.mean(0)
    near = (z - original.mean(0)) @ (words / np.linalg.norm(words, axis=1, keepdims=True)).T
    return near.argmax(1).astype(str)


def halves(patients: np.ndarray, seed: int) -> np.ndarray:
    """Return which studies raters are offered, (n,) bool: those of half the patients; the others' queries measure."""
    names, index = np.unique(patients, return_inverse=True)
    offered = np.random.default_rng(seed).permutation(len(names)) < len(names) // 2
    return np.asarray(offered[index])


def projected(model: Mapped, c: ReplayCollection) -> tuple[np.ndarray, np.ndarray]:
    """Return mapped embeddings and projections, (n, 256) float32 each, by a model."""
    z, bits = np.empty_like(c.z), np.empty_like(c.z)
    with torch.no_grad():
        for modality in MODALITIES:
            mine = c.modality == modality
            mapped = model.mapped(torch.from_numpy(c.z[mine]), modality)
            z[mine], bits[mine] = mapped.numpy(), model.layer.project(mapped, modality).numpy()
    return z, bits


def candidate_pairs(model: Mapped, c: ReplayCollection, offered: np.ndarray) -> Candidates:
    """Return the pairs that raters may be offered: both studies of offered patients, never of the same one."""
    z, bits = projected(model, c)
    at = np.flatnonzero(offered)
    side = CandidateSide(at.astype(str), c.modality[at], c.group[at], z[at], bits[at])
    return candidates(side, side, c.patients[at][:, None] != c.patients[at][None])


def learnt(model: Mapped, fitted: FittedRound) -> Mapped:
    """Return the model that a round made of another."""
    out = Mapped(model.layer, fitted.heads)
    state = {"weight": torch.from_numpy(fitted.weight), "threshold": torch.from_numpy(fitted.threshold)}
    out.layer.load_state_dict(state)
    return out
