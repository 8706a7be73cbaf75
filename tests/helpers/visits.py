"""A workspace of visits whose film, ECG and report share something that stored embeddings tell, or share nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from helpers.studies import COHORT, new_study

from engine.model.release import Release
from engine.store.records import NewStudy
from engine.workspace.workspace import open_workspace

SHARED = 6  # hidden numbers of a visit
LABELS = {"cxr": ("Cardiomegaly", "Pleural Effusion"), "ecg": ("left ventricular hypertrophy", "atrial fibrillation")}
KINDS = ("cxr", "ecg", "text")


def visits(folder: Path, release: Release, n: int = 330, *, coupled: bool = True, seed: int = 3) -> Path:
    """Write a closed workspace of n patients with one visit each; return its folder.

    coupled : whether the studies of a visit follow the same hidden numbers; else those of different visits
    """
    rng = np.random.default_rng(seed)
    ways = {kind: rng.normal(size=(SHARED, 256)) for kind in KINDS}
    batch = []
    for patient in range(n):
        hidden = rng.normal(size=SHARED)
        for place, kind in enumerate(KINDS):
            own = hidden if coupled else rng.normal(size=SHARED)
            vector = own @ ways[kind] + 0.6 * rng.normal(size=256)
            vector /= np.linalg.norm(vector)
            batch.append(_study(release, 3 * patient + place, kind, patient, vector=vector, rng=rng))
    with open_workspace(folder, create=True) as place_:
        place_.durable = False
        for start in range(0, len(batch), 500):
            place_.add(COHORT, release.name, release.digest, batch[start : start + 500])
        place_.releases.record_encoders(release.digest, release.encoders)
    return folder


def _study(
    release: Release, number: int, kind: str, patient: int, *, vector: np.ndarray, rng: np.random.Generator
) -> NewStudy:
    label = LABELS[kind][patient % 2] if kind in LABELS else ""
    about = {"patient_id": f"q{patient:04d}", "encounter_id": f"visit-{patient}", "labels": (label,) if label else ()}
    made = new_study(number, kind, rng, **about)
    z = vector.astype(np.float32)
    return replace(made, embedding=z, code=release.codes(z[None], kind)[0])
