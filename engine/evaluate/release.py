"""Retrieval of a release on the open recordings: every figure with chance, n and a 95 % interval by patient.

Relevance is a shared finding (engine.findings). Queries and gallery are both `test`, never the same patient.
Films and ECGs share no patient here: their figures rest on shared findings alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.findings import findings, phrase, sharing, vocabulary
from engine.metrics.ranking import average_precision_at, chance, precision_at, ranked_relevance
from engine.metrics.resampling import Estimate, measured_mean
from engine.metrics.rows import Measurement, ResultRow
from engine.model.packing import LENGTHS, distances
from engine.model.release import Release
from engine.study import Note, Study, Trace
from engine.training.data.captions import many_hot
from engine.training.data.prepared import windows

MIN_STUDIES = 20  # studies a data set must have to be reported
MIN_POSITIVES = 5  # relevant studies that a text query must have


# figure in the JSON → its title in the table
FIGURES = {"p_at_5": "P@5", "map_at_10": "mAP@10", "r_at_1": "R@1", "r_at_5": "R@5", "r_at_10": "R@10"}


@dataclass(frozen=True)
class Gallery:
    """The embedded studies of one modality; a trace longer than 10 s is one entry per window."""

    modality: str
    z: np.ndarray  # (n, 256) float32
    codes: np.ndarray  # (n, 32) uint8
    has_finding: np.ndarray  # (n, findings) bool
    patients: np.ndarray  # (n,) str
    datasets: np.ndarray  # (n,) str
    pairs: np.ndarray  # (n,) str, equal for simultaneous windows

    def take(self, index: np.ndarray) -> Gallery:
        """Return a part of the gallery."""
        arrays = (self.z, self.codes, self.has_finding, self.patients, self.datasets, self.pairs)
        return Gallery(self.modality, *(a[index] for a in arrays))


def _studies(recording: Recording) -> Iterator[tuple[str, Study]]:
    study = recording.study()
    if not isinstance(study.content, Trace):
        yield recording.encounter_id, study
        return
    for number, window in enumerate(windows(study.content)):
        yield f"{recording.encounter_id}#{number}", Study(study.modality, window, study.recognised, facts=study.facts)


def gallery(release: Release, listed: list[Recording]) -> Gallery:
    """Embed recordings of one modality."""
    made = [(recording, pair, study) for recording in listed for pair, study in _studies(recording)]
    z = release.embed([study for _, _, study in made])
    modality = listed[0].modality
    return Gallery(
        modality,
        z,
        release.codes(z, modality),
        many_hot(findings(r.labels, r.heart_rate) for r, _, _ in made),
        np.array([r.patient_id for r, _, _ in made]),
        np.array([r.dataset for r, _, _ in made]),
        np.array([pair for _, pair, _ in made]),
    )


def _scores(a: Gallery, b: Gallery) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each representation's scores, higher is nearer: float cosine, then codes of every length."""
    yield "float", a.z @ b.z.T
    for bits in reversed(LENGTHS):
        yield f"{bits} bits", -distances(a.codes, b.codes, bits).astype(np.float32)


def by_finding(task: str, a: Gallery, b: Gallery) -> Iterator[dict[str, Any]]:
    """Yield P@5 and mAP@10 by shared finding, queries from a, gallery b, beside chance."""
    a = a.take(np.flatnonzero(a.has_finding.any(1)))
    b = b.take(np.flatnonzero(b.has_finding.any(1)))
    relevant = sharing(a.has_finding, b.has_finding)
    allowed = a.patients[:, None] != b.patients[None]
    kept = (relevant & allowed).any(1)
    if not kept.any():
        return
    luck = chance(relevant, allowed)[kept]
    for representation, scores in _scores(a, b):
        found = ranked_relevance(scores, relevant, allowed, 10)[kept]
        figure = measured_mean(precision_at(found, 5), a.patients[kept])
        precision = measured_mean(average_precision_at(found, 10), a.patients[kept])
        yield {
            "task": task,
            "representation": representation,
            "p_at_5": figure.as_dict(),
            "map_at_10": precision.as_dict(),
            "chance_p_at_5": round(float(luck.mean()), 4),
            "patients": len(set(a.patients[kept])),
        }


def by_pair(task: str, a: Gallery, b: Gallery) -> Iterator[dict[str, Any]]:
    """Yield R@1/5/10 of the simultaneous window among all windows of the other modality."""
    index = [np.flatnonzero(b.pairs == pair) for pair in a.pairs]
    kept = np.array([len(found) > 0 for found in index])
    relevant = (a.pairs[:, None] == b.pairs[None])[kept]
    for representation, scores in _scores(a, b):
        found = np.nan_to_num(ranked_relevance(scores[kept], relevant, np.ones_like(relevant), 10))
        recall = {
            f"r_at_{k}": measured_mean(found[:, :k].any(1).astype(float), a.patients[kept]).as_dict()
            for k in (1, 5, 10)
        }
        yield {
            "task": task,
            "representation": representation,
            **recall,
            "chance_r_at_10": round(10 / len(b.z), 4),
            "patients": len(set(a.patients[kept])),
        }


def texts(release: Release) -> Gallery:
    """Embed each finding's name as a query."""
    names = list(vocabulary())
    z = release.embed([Study("text", Note(phrase(name)), "finding") for name in names])
    empty = np.array([f"text-{name}" for name in names])
    return Gallery("text", z, release.codes(z, "text"), many_hot([name] for name in names), empty, empty, empty)


def evaluate(release: Release, path: Path, split: str = "test") -> list[dict[str, Any]]:
    """Return all rows: within each data set, between modalities, text to modality, PPG to ECG and back."""
    galleries = {m: gallery(release, recordings(path, split, m)) for m in ("cxr", "ecg", "ppg")}
    rows: list[dict[str, Any]] = []
    for modality, whole in galleries.items():
        for dataset in sorted(set(whole.datasets)):
            part = whole.take(np.flatnonzero(whole.datasets == dataset))
            if (
                len(part.z) >= MIN_STUDIES
                and len(set(part.patients)) > 2
                and part.has_finding.any(1).sum() >= MIN_STUDIES
            ):
                rows += by_finding(f"{modality}→{modality} within {dataset}", part, part)
    for a, b in (("cxr", "ecg"), ("ecg", "cxr"), ("ppg", "ecg"), ("ecg", "ppg")):
        rows += by_finding(f"{a}→{b} by finding", galleries[a], galleries[b])
    words = texts(release)
    for modality, whole in galleries.items():
        enough = whole.has_finding.sum(0) >= MIN_POSITIVES
        asked = words.take(np.flatnonzero(words.has_finding @ enough))
        rows += by_finding(f"text→{modality} by finding", asked, whole)
    rows += by_pair("ppg→ecg same moment", galleries["ppg"], galleries["ecg"])
    rows += by_pair("ecg→ppg same moment", galleries["ecg"], galleries["ppg"])
    return rows


def as_measurement(release: Release, split: str, rows: list[dict[str, Any]]) -> Measurement:
    """Return the rows as a measurement, whose table is that of every `casebind evaluate`."""
    return Measurement("release", release.name, split, [_result(row) for row in rows])


def _result(row: dict[str, Any]) -> ResultRow:
    """Return one row of `evaluate` as a row of a table."""
    figures = {title: Estimate(**row[key]) for key, title in FIGURES.items() if key in row}
    chance_of = {title: row[f"chance_{key}"] for key, title in FIGURES.items() if f"chance_{key}" in row}
    return ResultRow(row["task"], row["representation"], figures, row["patients"], chance_of)
