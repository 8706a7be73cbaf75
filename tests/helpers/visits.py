"""A workspace of visits whose film, ECG and report share something that stored embeddings tell, or share nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from helpers.studies import COHORT, new_study

from engine.model.release import Release
from engine.store.records import NewStudy
from engine.study import ECG_LEADS, PPG_LEAD, Film, Trace, fingerprint
from engine.workspace.workspace import open_workspace

Visit = Callable[[np.random.Generator], dict[str, Film | Trace]]  # draws what was recorded

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


def shown_visits(folder: Path, release: Release, n: int = 310, seed: int = 4) -> Path:
    """Write a closed workspace of n patients whose film and ECG show the same hidden numbers; embeddings tell nothing.

    The film is a bright body: how far to the side, how high and how wide. Axis, T waves and voltage of the ECG follow.
    """

    def visit(rng: np.random.Generator) -> dict[str, Film | Trace]:
        hidden = rng.uniform(-1, 1, 3)
        return {"cxr": _body(*hidden), "ecg": _heart(*hidden)}

    return _written(folder, release, [visit] * n, seed)


def beating_visits(folder: Path, release: Release, n: int = 300, seed: int = 5) -> Path:
    """Write a closed workspace of n patients, an ECG and the pulse wave beside it; embeddings tell nothing.

    Every heart has a rate and a first beat of its own; the pulse comes 0.2 s after the heart.
    """

    def visit(rng: np.random.Generator) -> dict[str, Film | Trace]:
        beats = np.arange(rng.uniform(0, 1), 10.0, 60 / rng.uniform(55, 95))
        return {"ecg": _lead(beats), "ppg": _pulse(beats + 0.2)}

    return _written(folder, release, [visit] * n, seed)


def _written(
    folder: Path,
    release: Release,
    visits: Sequence[Callable[[np.random.Generator], dict[str, Film | Trace]]],
    seed: int,
) -> Path:
    """Write a closed workspace of a visit a patient, with embeddings drawn at random."""
    rng, batch = np.random.default_rng(seed), []
    for patient, visit in enumerate(visits):
        for place, (kind, made) in enumerate(visit(rng).items()):
            vector = rng.normal(size=256)
            vector /= np.linalg.norm(vector)
            one = _study(release, 2 * patient + place, kind, patient, vector=vector, rng=rng)
            study = replace(one.study, content=made, fingerprint=fingerprint(made))
            batch.append(replace(one, study=study, row=replace(one.row, fingerprint=study.fingerprint)))
    with open_workspace(folder, create=True) as place_:
        place_.durable = False
        place_.add(COHORT, release.name, release.digest, batch)
        place_.releases.record_encoders(release.digest, release.encoders)
    return folder


def _lead(beats: np.ndarray) -> Trace:
    at = np.arange(1000) / 100.0
    lead = sum(np.exp(-(((at - one) / 0.02) ** 2)) + 0.2 * np.exp(-(((at - one - 0.25) / 0.06) ** 2)) for one in beats)
    return Trace(np.asarray(lead, np.float32)[None], ("II",), 100.0, "mV")


def _pulse(beats: np.ndarray) -> Trace:
    at = np.arange(1250) / 125.0
    wave = sum(np.where(at > one, (at - one) * np.exp(-(at - one) / 0.15), 0.0) for one in beats)
    return Trace(np.asarray(wave, np.float32)[None], (PPG_LEAD,), 125.0, "au")


def _body(side: float, height: float, width: float) -> Film:
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    bright = np.exp(-(((x - 0.5 * side) / (0.35 + 0.15 * width)) ** 2) - ((y - 0.5 * height) / 0.4) ** 2)
    return Film(np.round(40 + 200 * bright).astype(np.uint8), 8)


def _heart(side: float, height: float, width: float) -> Trace:
    samples, axis = np.zeros((12, 1000)), np.radians(30 + 60 * side)
    leads = {"I": 0.0, "II": 60.0, "III": 120.0, "aVR": -150.0, "aVL": -30.0, "aVF": 90.0}
    weights = [np.cos(axis - np.radians(leads[lead])) if lead in leads else 0.7 for lead in ECG_LEADS]
    beat, t = (1.2 + 0.6 * width) * np.array([-0.1, 0.4, 1.0, -0.3]), 0.2 * (1.2 + height) * np.hanning(18)
    for start in range(50, 950, 83):
        samples[:, start : start + 4] += np.outer(weights, beat)
        samples[:, start + 20 : start + 38] += np.outer(np.ones(12), t)
    return Trace(samples.astype(np.float32), ECG_LEADS, 100.0, "mV")


def _study(
    release: Release, number: int, kind: str, patient: int, *, vector: np.ndarray, rng: np.random.Generator
) -> NewStudy:
    label = LABELS[kind][patient % 2] if kind in LABELS else ""
    about = {"patient_id": f"q{patient:04d}", "encounter_id": f"visit-{patient}", "labels": (label,) if label else ()}
    made = new_study(number, kind, rng, **about)
    row = replace(made.row, age=50.0 + patient % 7, sex="FM"[patient // 2 % 2])
    z = vector.astype(np.float32)
    return replace(made, row=row, embedding=z, code=release.codes(z[None], kind)[0])
