"""The two sides of a search by finding: films, ECGs, PPGs and the texts about them, one entry per recording."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.datasets.open_recordings import Recording
from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.tables import EvaluationTable, table
from engine.findings import findings, sentence, vocabulary
from engine.model.release import Release
from engine.study import Note, Study
from engine.training.data.captions import many_hot

EDGES = ("cxr", "ecg", "ppg")


@dataclass(frozen=True)
class EvaluationSide:
    """Embeddings z (n, 256) of one modality, findings held (n, findings) bool, patients (n,)."""

    modality: str
    z: np.ndarray
    has_finding: np.ndarray
    patients: np.ndarray


def text_of(recording: Recording) -> str:
    """Return a study's report, or where it has none its findings as a sentence (generated); empty if neither."""
    return recording.report or sentence(findings(recording.labels, recording.heart_rate))


def embed_texts(release: Release, texts: Sequence[str], cache: Path) -> np.ndarray:
    """Return embeddings of texts (n, 256), each distinct text encoded once and kept in the cache."""
    distinct = sorted(set(texts))
    named = key("texts", release.digest, hashlib.sha256("\n\n".join(distinct).encode()).hexdigest())
    made = cached_arrays(
        cache / f"embedded-text-{named}.npz",
        lambda: {"z": release.embed([Study("text", Note(text), "text") for text in distinct])},
    )
    number = {text: i for i, text in enumerate(distinct)}
    return made["z"][[number[text] for text in texts]]


def first_windows(whole: EvaluationTable) -> EvaluationTable:
    """Keep one window per recording."""
    return whole.take(whole.window == 0)


def _side(modality: str, z: np.ndarray, has_finding: np.ndarray, patients: np.ndarray) -> EvaluationSide:
    known = has_finding.any(1)
    return EvaluationSide(modality, z[known], has_finding[known], patients[known])


def typed(release: Release, cache: Path, each: int = 12) -> EvaluationSide:
    """Return findings as somebody may type them: every finding `each` times, in taught and in untaught words."""
    said = [
        (name, words[i % len(words)])
        for name, entry in vocabulary().items()
        for words in [[*entry["phrases"], *entry["unseen"]]]
        for i in range(each)
    ]
    z = embed_texts(release, [phrase for _, phrase in said], cache)
    return EvaluationSide("text", z, many_hot([name] for name, _ in said), np.array([phrase for _, phrase in said]))


def load_evaluation_sides(release: Release, path: Path, split: str, cache: Path) -> dict[str, EvaluationSide]:
    """Return every modality's studies with a known finding, one window each; texts are of the same studies."""
    tables = [first_windows(table(release, path, modality, split, cache=cache)) for modality in EDGES]
    out = {t.modality: _side(t.modality, t.z, t.has_finding, t.patients) for t in tables}
    texts = [text_of(r) for t in tables for r in t.recordings]
    said = np.array([bool(text) for text in texts])
    held, patients = (
        np.concatenate([t.has_finding for t in tables])[said],
        np.concatenate([t.patients for t in tables])[said],
    )
    out["text"] = _side("text", embed_texts(release, [text for text in texts if text], cache), held, patients)
    return out
