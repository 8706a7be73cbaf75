"""Studies of few bytes whose codes are tied all the time, so that wrong orders and half batches show."""

from __future__ import annotations

import numpy as np

from engine.bench.living.history import Life
from engine.store.records import Cohort, NewStudy, StudyRow
from engine.study import Film, Modality, Note, Study

COHORT = Cohort("living", "CC0 1.0", "drawn at random", True, "nobody")
KINDS: tuple[Modality, ...] = ("cxr", "text")
VALUES = 6  # of a word that is tied with many
SPREAD = 0.5  # share of codes that differ in every bit instead


def random_code(rng: np.random.Generator) -> tuple[int, ...]:
    """Return a code of four words, near many others or near none."""
    top = 2**64 if rng.random() < SPREAD else VALUES
    return tuple(int(word) for word in rng.integers(0, top, 4, dtype=np.uint64))


def packed(code: tuple[int, ...]) -> np.ndarray:
    """Return a code of four words as (32,) uint8."""
    return np.array(code, "<u8").view(np.uint8)


def random_embedding(rng: np.random.Generator) -> np.ndarray:
    """Return a random embedding, (256,) float32 of length 1."""
    drawn = rng.normal(size=256).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


def new_patients(rng: np.random.Generator, names: list[str]) -> list[NewStudy]:
    """Return a film and a text of every patient named."""
    return [_study(rng, name, modality) for name in names for modality in KINDS]


def life_of(new: NewStudy) -> Life:
    """Return what the history notes of a study."""
    code = tuple(int(word) for word in new.code.view("<u8"))
    row = new.row
    return Life(row.study_id, row.patient_id, row.modality, row.sex or "", code, 0)


def _study(rng: np.random.Generator, name: str, modality: Modality) -> NewStudy:
    study_id, sex = f"{name}-{modality}", "F" if rng.random() < 0.5 else "M"
    content = Note(study_id) if modality == "text" else Film(rng.integers(0, 256, (4, 4)).astype(np.uint8), 8)
    row = StudyRow(
        study_id,
        name,
        f"e-{name}",
        COHORT.name,
        modality,
        sex=sex,
        age=50.0,
        synthetic=True,
        quality_score=1.0,
        fingerprint=f"f-{study_id}",
    )
    study = Study(modality, content, "drawn at random", fingerprint=row.fingerprint)
    return NewStudy(row, f"key-{study_id}", study, random_embedding(rng), packed(random_code(rng)))
