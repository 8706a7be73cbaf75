"""Films and ECGs of admissions as the frozen encoders of a release see them, encoded part by part and kept.

A part is written whole when it is done, so an encoding that was stopped goes on where it stopped. A recording that
cannot be read is left out and counted: its admission is read without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.datasets.recording import Recording
from engine.errors import IntakeError
from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.views import encoder_digest, projected, record_forward
from engine.model.release import Release
from engine.study import Study, Trace
from engine.training.data.prepared import windows

PART = 64  # recordings encoded between two files
SPACE, UNBOUND = "embedding", "features"
Progress = Callable[[str, int, int], None]  # what is done, how many of how many


@dataclass(frozen=True)
class EmbeddingReader:
    """Who reads a modality: a release, and whether by its embedding or by the features under its head."""

    release: Release
    view: str = SPACE

    def named(self, modality: str) -> str:
        """Return what tells readers apart: the release's name, the view and the weights."""
        return f"{self.release.name}:{self.view}:{self.release.encoders[modality][:12]}"


@dataclass(frozen=True)
class Embedded:
    """Vectors of some rows: values (n, d) float32, zero where has (n,) bool says that there is no recording."""

    values: np.ndarray
    has: np.ndarray


def embed(
    reader: EmbeddingReader, modality: str, recordings: Sequence[Recording | None], cache: Path, progress: Progress
) -> Embedded:
    """Return one vector a row, encoding each recording once; rows without a recording are zero."""
    listed = sorted({one.study_id: one for one in recordings if one is not None}.items())
    tower = reader.release.module(modality)
    kind = f"{key(encoder_digest(reader.release, modality))}"
    adapted = getattr(tower, "adapter", None) is not None
    found: dict[str, np.ndarray] = {}
    for start in range(0, len(listed), PART):
        chunk = [one for _, one in listed[start : start + PART]]
        made_of = hashlib.sha256("\n".join(one.study_id for one in chunk).encode()).hexdigest()[:12]
        own = f"{kind}-{reader.release.encoders[modality][:12]}" if adapted else kind
        file = cache / f"outcomes-{modality}-{own}" / f"{made_of}.npz"
        arrays = cached_arrays(file, lambda chunk=chunk: _encoded(reader.release, modality, chunk))  # type: ignore[misc]
        found |= _of_view(reader, modality, arrays, adapted)
        progress(f"encode {modality}", min(start + PART, len(listed)), len(listed))
    width = len(next(iter(found.values()))) if found else 1
    values = [found.get(one.study_id) if one is not None else None for one in recordings]
    has = np.array([value is not None for value in values], bool)
    filled = [np.zeros(width, np.float32) if value is None else value for value in values]
    return Embedded(np.stack(filled) if filled else np.zeros((0, width), np.float32), has)


def _of_view(
    reader: EmbeddingReader, modality: str, arrays: dict[str, np.ndarray], adapted: bool
) -> dict[str, np.ndarray]:
    """Return study id → vector; an embedding is made of the features, or kept where an adapter made it."""
    if not len(arrays["study_id"]):
        return {}
    vectors = arrays["features"]
    if reader.view == SPACE:
        vectors = arrays["z"] if adapted else projected(reader.release, modality, vectors)
    return dict(zip(arrays["study_id"].tolist(), vectors, strict=True))


def _encoded(release: Release, modality: str, recordings: Sequence[Recording]) -> dict[str, np.ndarray]:
    """Read and encode some recordings; those that cannot be read are missing."""
    import torch

    studies: list[Study] = []
    names: list[str] = []
    for one in recordings:
        try:
            studies.append(_first_window(one.study()))
        except IntakeError:
            continue
        names.append(one.study_id)
    if not studies:
        return {"study_id": np.zeros(0, "U1"), "features": np.zeros((0, 1), np.float32), "z": np.zeros((0, 256))}
    with record_forward(release.module(modality)) as seen:
        z = release.embed(studies)
    features = torch.cat(seen.features).numpy().astype(np.float32)
    return {"study_id": np.array(names), "features": features, "z": z}


def _first_window(study: Study) -> Study:
    """Return a study's first ten seconds; a film as it is (section 3.1: "We used the first 10 seconds for all ECG")."""
    return replace(study, content=windows(study.content)[0]) if isinstance(study.content, Trace) else study
