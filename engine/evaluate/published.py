"""`casebind evaluate published`: MEDBind's tables and figures on the data sets it used, wherever they are on disk.

Table 2, studies and their texts; Fig. 2 (right), films and ECGs of MIMIC-PAIR; Table 3, one modality's class told by
the other's support set; Fig. 3, zero- and few-shot classification. What is not on disk is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.datasets.adapters import collect
from engine.datasets.chexpert import SUBSET
from engine.datasets.recording import Recording
from engine.datasets.toolbox import read_report
from engine.errors import UsageError
from engine.evaluate import few_shot, text, zero_shot
from engine.evaluate.evaluation_sides import first_windows
from engine.evaluate.plots import intervals
from engine.evaluate.probes import SUPERCLASSES
from engine.evaluate.tables import EvaluationTable, table_of
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.release import Release

NAMES = {"cxr": "film", "ecg": "ECG"}
TEXTS = (("cxr", "MIMIC-CXR"), ("cxr", "CheXpert"), ("cxr", "Open-I"), ("ecg", "MIMIC-IV-ECG"), ("ecg", "PTB-XL"))
CPSC = (
    "Normal",
    "Atrial fibrillation",
    "First degree AV block",
    "Left bundle branch block",
    "Right bundle branch block",
    "Premature atrial contraction",
    "Premature ventricular contraction",
    "ST depression",
    "ST elevation",
)
CLASSES = (  # Table 1 of the paper: data sets of zero- and few-shot classification
    ("cxr", "COVID", ("COVID-19 pneumonia", "No Finding")),
    ("cxr", "RSNA", ("Pneumonia", "No Finding")),
    ("ecg", "PTB-XL", SUPERCLASSES),
    ("ecg", "CPSC2018", CPSC),
)
NOTES = (
    "The rows' names begin with the table or figure of MEDBind that they answer; a data set that is not "
    "on disk has none. Recall counts each distinct text once; the paper's galleries may count repeated texts.",
    "CheXpert is CheXpert5x200, by a fixed choice of ours, since the paper's is not published.",
    "MIMIC-PAIR: film and ECG of one admission, else of one patient within 24 h; the gallery holds every paired study.",
)


@dataclass(frozen=True)
class Disk:
    """What is on disk: recordings of all data sets, and how they are encoded.

    most : studies of a data set and split at most, whole patients in a fixed order; 0 for all
    """

    release: Release
    recordings: Sequence[Recording]
    cache: Path
    max_studies: int

    def table(self, modality: str, dataset: str, split: str) -> EvaluationTable:
        """Return one data set's studies of one split, one window each; empty where it is not on disk."""
        mine = [r for r in self.recordings if (r.modality, r.dataset, r.split) == (modality, dataset, split)]
        if dataset == "CheXpert" and split == "test":
            mine = [r for r in mine if r.extra.get("subset") == SUBSET]
        chosen = [with_report(one) for one in sample_patients(mine, self.max_studies)]
        told = "\n".join(r.study_id for r in chosen)
        return first_windows(table_of(self.release, modality, chosen, (split, dataset, told), cache=self.cache))

    @cached_property
    def pairs(self) -> frozenset[str]:
        """The names of what was taken together as film and ECG."""
        films, ecgs = ({r.pair for r in self.recordings if r.modality == m and r.pair} for m in ("cxr", "ecg"))
        return frozenset(films & ecgs)


def sample_patients(recordings: Sequence[Recording], max_studies: int) -> list[Recording]:
    """Return whole patients in the order of their hash until there are at least `most` studies; all where it is 0."""
    ordered = sorted(recordings, key=lambda r: (hashlib.sha256(r.patient_id.encode()).digest(), r.study_id))
    if not max_studies or len(ordered) <= max_studies:
        return ordered
    return [r for i, r in enumerate(ordered) if i < max_studies or r.patient_id == ordered[max_studies - 1].patient_id]


def with_report(recording: Recording) -> Recording:
    """Return the recording with the report that lies in a file of its own, where there is one."""
    file = recording.source.get("report")
    return (
        replace(recording, report=read_report(file))
        if not recording.report and file is not None and file.is_file()
        else recording
    )


def class_labels(side: EvaluationTable, names: Sequence[str]) -> np.ndarray:
    """Return which studies hold which classes, by label or by superclass: (n, names) bool."""
    known = [{*r.labels, *r.extra.get("superclass", "").split(";")} for r in side.recordings]
    return np.array([[name in found for name in names] for found in known], bool).reshape(-1, len(names))


def text_rows(disk: Disk, split: str) -> Iterator[ResultRow]:
    """Table 2: recall of texts by studies, and back."""
    for modality, dataset in TEXTS:
        side = disk.table(modality, dataset, split)
        if len(side.recordings):
            yield from text.rows_of(disk.release, f"Table 2, {NAMES[modality]} ({dataset})", side, disk.cache)


def paired(disk: Disk, split: str) -> tuple[EvaluationTable, EvaluationTable]:
    """Return the films and the ECGs of MIMIC-PAIR of one split."""
    sides = (disk.table("cxr", "MIMIC-CXR", split), disk.table("ecg", "MIMIC-IV-ECG", split))
    films, ecgs = (side.take(np.array([r.pair in disk.pairs for r in side.recordings], bool)) for side in sides)
    return films, ecgs


def pair_rows(disk: Disk, split: str) -> Iterator[ResultRow]:
    """Fig. 2: recall of the ECG taken with a film, and back; all paired studies are the gallery."""
    films, ecgs = paired(disk, split)
    same = np.array([[a.pair == b.pair for b in ecgs.recordings] for a in films.recordings], bool)
    if not same.any():
        return
    films, ecgs = films.take(np.asarray(same.any(1))), ecgs.take(np.asarray(same.any(0)))
    same = same[same.any(1)][:, same.any(0)]
    ours, theirs = (zero_shot.represented(disk.release, side.z, side.modality) for side in (films, ecgs))
    for method in ours:
        scores = zero_shot.unit(ours[method]) @ zero_shot.unit(theirs[method]).T
        for task, found, own, side in (("film→ECG", scores, same, films), ("ECG→film", scores.T, same.T, ecgs)):
            figures, chance = text.to_text(found, own, side.patients)
            kept = {name: figure for name, figure in figures.items() if name != text.BY_TEXT}
            luck, more = {name: chance[name] for name in kept}, {"gallery": own.shape[1]}
            yield ResultRow(f"Fig. 2, {task} (MIMIC-PAIR)", method, kept, distinct(side.patients), luck, more)


def across_rows(disk: Disk, split: str) -> Iterator[ResultRow]:
    """Table 3: hypertrophy from a film by ECGs of train, cardiomegaly from an ECG by films of train."""
    films, ecgs = paired(disk, split)
    support = {m: disk.table(m, name, "train") for m, name in (("cxr", "MIMIC-CXR"), ("ecg", "MIMIC-IV-ECG"))}
    tasks: tuple[tuple[str, EvaluationTable, EvaluationTable, str, str], ...] = (
        ("hypertrophy from film", films, ecgs, "HYP", "ecg"),
        ("cardiomegaly from ECG", ecgs, films, "Cardiomegaly", "cxr"),
    )
    for task, query, other, name, modality in tasks:
        truth = paired_labels(query, other, name)
        known = query.take(np.isfinite(truth))
        if len(known.recordings) and len(support[modality].recordings):
            has = class_labels(support[modality], (name,))[:, 0]
            now = truth[np.isfinite(truth)] > 0
            rows = zero_shot.cross_rows(disk.release, task, known, now, support=support[modality], support_labels=has)
            yield from (replace(row, task=f"Table 3, {row.task}") for row in rows)


def paired_labels(query: EvaluationTable, other: EvaluationTable, name: str) -> np.ndarray:
    """Return whether the other modality's study of the same pair holds a class: (n,) 0, 1, or NaN without a pair."""
    has = class_labels(other, (name,))[:, 0]
    told: dict[str, bool] = {}
    for recording, holds in zip(other.recordings, has, strict=True):
        told[recording.pair] = told.get(recording.pair, False) or bool(holds)
    return np.array([float(told[r.pair]) if r.pair in told else np.nan for r in query.recordings])


def shot_rows(disk: Disk, split: str) -> Iterator[ResultRow]:
    """Fig. 3: zero-shot by label prompts, and probes of K studies a side."""
    for modality, dataset, names in CLASSES:
        train, here = disk.table(modality, dataset, "train"), disk.table(modality, dataset, split)
        if not len(here.recordings):
            continue
        task, labels = f"{NAMES[modality]}, {len(names)} classes, {dataset}", class_labels(here, names)
        rows = zero_shot.prompt_rows(disk.release, task, here, labels, names=names, cache=disk.cache)
        if len(train.recordings):
            rows += few_shot.rows_of(
                task, (train, here), (class_labels(train, names), labels), ("z", "features", "twin")
            )
        for row in rows:
            yield replace(row, task=f"Fig. 3, {row.task}")


PARTS: tuple[Callable[[Disk, str], Iterator[ResultRow]], ...] = (text_rows, pair_rows, across_rows, shot_rows)


def evaluate(release: Release, folders: Sequence[Path], split: str, cache: Path, max_studies: int = 0) -> Measurement:
    """Return what the data sets in the folders allow of the paper's tables and figures.

    UsageError, one sentence, where none of them is one that the paper used.
    """
    disk = Disk(release, collect(folders), cache, max_studies)
    rows = [row for part in PARTS for row in part(disk, split)]
    if not rows:
        raise UsageError(
            f"None of MEDBind's data sets has studies of the split {split} here: name the folders of MIMIC-CXR-JPG, "
            "MIMIC-IV-ECG, MIMIC-IV, CheXpert, Open-I, RSNA, COVID, PTB-XL or CPSC2018."
        )
    return Measurement("published", release.name, split, rows, NOTES)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw recall, AUROC and balanced accuracy."""
    return intervals(measurement, ("R@1", "R@10", "AUROC", "balanced accuracy"), folder)
