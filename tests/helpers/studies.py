"""A small collection of real content with embeddings drawn at random, for tests that need no model."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import numpy as np

from engine.store.records import Cohort, NewStudy, StudyRow
from engine.study import ECG_LEADS, Film, Note, Study, Trace, fingerprint
from engine.workspace.workspace import Workspace

COHORT = Cohort("ward", "CC0 1.0", "nobody", False, "a test")
RELEASE, DIGEST = "r-test", "d" * 64


def content(modality: str, rng: np.random.Generator) -> Trace | Film | Note:
    """Return plausible content of one modality."""
    if modality == "cxr":
        return Film(rng.integers(0, 4096, (40, 30)).astype(np.uint16), 12, (0.14, 0.15))
    if modality == "text":
        return Note(f"finding {rng.integers(1e6)} größer")
    leads = ("PPG",) if modality == "ppg" else ECG_LEADS
    samples = np.round(rng.normal(0, 0.4, (len(leads), 500)), 3).astype(np.float32)
    return Trace(samples, leads, 100.0, "au" if modality == "ppg" else "mV")


def new_study(number: int, modality: str, rng: np.random.Generator, **row: object) -> NewStudy:
    """Return study number `number`; its patient is p<number> unless `row` says otherwise."""
    made = content(modality, rng)
    study = Study(modality, made, f"test {modality}", fingerprint=fingerprint(made))  # type: ignore[arg-type]
    vector = rng.normal(size=256).astype(np.float32)
    vector /= np.linalg.norm(vector)
    study_id = f"s{number:04d}"
    about = StudyRow(
        study_id,
        f"p{number}",
        f"e{number}",
        COHORT.name,
        modality,  # type: ignore[arg-type]
        recognised=study.recognised,
        quality_score=0.9,
        fingerprint=study.fingerprint,
        labels=("Normal",),
    )
    code = np.packbits(vector > 0, bitorder="little")
    return NewStudy(replace(about, **row), f"key-{study_id}", study, vector, code)  # type: ignore[arg-type]


def fill(place: Workspace, n: int = 12, **row: object) -> list[NewStudy]:
    """Put `n` studies of every modality in turn into a workspace; return them."""
    rng = np.random.default_rng(5)
    batch = [new_study(i, ("cxr", "ecg", "ppg", "text")[i % 4], rng, **row) for i in range(n)]
    place.add(COHORT, RELEASE, DIGEST, batch)
    return batch


def same_study(one: Study, other: Study) -> bool:
    """Return whether two studies agree in everything, type and value."""
    plain = {field.name for field in fields(Study)} - {"content", "other_reading"}
    if any(getattr(one, name) != getattr(other, name) for name in plain):
        return False
    return _same(one.content, other.content) and _same(one.other_reading, other.other_reading)


def _same(one: object, other: object) -> bool:
    """Return whether two contents have equal fields, arrays by their values, shapes and types."""
    if type(one) is not type(other):
        return False
    if not is_dataclass(one):
        return one == other
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)]
    arrays = [(a, b) for a, b in pairs if isinstance(a, np.ndarray)]
    alike = all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in arrays)
    return alike and all(a == b for a, b in pairs if not isinstance(a, np.ndarray))
