"""Studies of which it is known where a finding lies, each with the embedding of another study that shows it too."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from engine.datasets.ludb import ecgs, marks
from engine.datasets.open_recordings import recordings
from engine.evaluate.region import DATASET, boxes
from engine.findings import findings
from engine.model.release import Release
from engine.reference import from_text
from engine.settings import DEMO
from engine.study import Film, Study

POOL = 40  # films among which one of the same finding is sought
SOUGHT = 12  # synthetic films of one label among which the nearest is sought
LARGEST = 0.25  # of the film: a larger outline says little about where


@dataclass(frozen=True, eq=False)
class MarkedStudy:
    """One study, the embedding (256,) that it is explained against, and where the finding is in the shape of a map."""

    patient: str
    study: Study
    other: np.ndarray
    region: np.ndarray


def boxed_films(release: Release, path: Path, split: str, most: int) -> list[MarkedStudy]:
    """Return NIH films with a radiologist's box, one of a patient, each with the nearest of the same finding."""
    asked = {one.patient: one for one in boxes(path, split)}
    named = {one.finding for one in asked.values()}
    listed = [one for one in recordings(path, split, "cxr") if one.dataset == DATASET and findings(one.labels) & named]
    order = np.random.default_rng(27).permutation(len(listed))[:POOL]
    pool = [listed[i] for i in order]
    embedded = release.mapped(release.embed([one.study() for one in pool]), "cxr")
    out: list[MarkedStudy] = []
    for patient, one in list(asked.items())[: 2 * most]:
        shares = [one.finding in findings(r.labels) and r.patient_id != patient for r in pool]
        if any(shares) and len(out) < most:
            study = Study("cxr", one.film, "a boxed film")
            mine = release.mapped(release.embed([study]), "cxr")[0]
            nearest = int(np.where(shares, embedded @ mine, -2).argmax())
            out.append(MarkedStudy(patient, study, embedded[nearest], _mask(one.film, one.box)))
    return out


def painted_films(release: Release, most: int) -> list[MarkedStudy]:
    """Return synthetic films with a painted finding, one of a patient, each with the nearest film of the same label."""
    from engine.intake.paths import read_paths

    with (DEMO / "manifest.csv").open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["modality"] == "cxr" and row["reference_findings"]]
    out: list[MarkedStudy] = []
    used: set[str] = set()
    for row in rows:
        fitting = [one for one in from_text(row["reference_findings"]) if one.label and one.polygons]
        if len(out) == most or row["patient_id"] in used or not fitting:
            continue
        study = read_paths([DEMO / row["file"]])
        finding = fitting[len(out) % len(fitting)]
        region = finding.mask(study.film.pixels.shape[:2])
        others = [r for r in rows if finding.label in r["labels"].split(";") and r["patient_id"] != row["patient_id"]]
        if not 0 < region.mean() <= LARGEST or not others:
            continue
        there = [read_paths([DEMO / r["file"]]) for r in others[:SOUGHT]]
        embedded = release.mapped(release.embed([study, *there]), "cxr")
        nearest = 1 + int((embedded[1:] @ embedded[0]).argmax())
        used.add(row["patient_id"])
        out.append(MarkedStudy(row["patient_id"], study, embedded[nearest], region))
    return out


def marked_ecgs(release: Release, folder: Path, most: int) -> dict[str, list[MarkedStudy]]:
    """Return LUDB's ECGs by marked wave, "QRS" and "P", each with the nearest of the other records."""
    there = list(islice(ecgs(folder), 4 * most))
    studies = [one.study() for one in there]
    embedded = release.mapped(release.embed(studies), "ecg")
    near = embedded @ embedded.T
    np.fill_diagonal(near, -2)
    out: dict[str, list[MarkedStudy]] = {"QRS": [], "P": []}
    for i, (one, study) in enumerate(list(zip(there, studies, strict=True))[:most]):
        for wave, found in out.items():
            region = np.zeros(study.trace.samples.shape, bool)
            for row, lead in enumerate(study.trace.leads):
                for name, start, end in marks(one.source["files"][0], lead):
                    region[row, start : end + 1] |= name == wave
            found.append(MarkedStudy(one.patient_id, study, embedded[int(near[i].argmax())], region))
    return out


def _mask(film: Film, box: tuple[float, float, float, float]) -> np.ndarray:
    height, width = film.pixels.shape[:2]
    out = np.zeros((height, width), bool)
    rows = slice(int(box[1] * height), max(1, round(box[3] * height)))
    out[rows, int(box[0] * width) : max(1, round(box[2] * width))] = True
    return out
