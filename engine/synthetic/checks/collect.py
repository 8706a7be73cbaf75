"""A cohort folder with a manifest.csv → its studies, read through the intake as the app reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import CasebindError, UsageError
from engine.reference import ReferenceFinding, findings_in
from engine.study import Film, Note, Study, Trace
from engine.synthetic.checks import films, traces
from engine.synthetic.checks.group import Group, make_group

if TYPE_CHECKING:
    from engine.workspace.manifest import StudyEntry

KEY = b"casebind evaluate synthetic"  # pseudonyms made with it are never shown
RATE_COLUMNS = ("heart_rate", "rate_bpm", "hr")  # further columns of a manifest that may hold the intended rate


@dataclass(frozen=True, eq=False)
class CohortStudy:
    """One study of the cohort: labels, rate (per minute, or None) and findings as intended, the report of its row."""

    id: str
    patient: str
    encounter: str
    labels: tuple[str, ...]
    view: str
    sex: str
    age: float | None
    rate: float | None
    report: str
    files: tuple[Path, ...]
    study: Study
    reference: tuple[ReferenceFinding, ...] = ()

    @property
    def trace(self) -> Trace:
        """The content of an ECG or a PPG."""
        if not isinstance(self.study.content, Trace):
            raise UsageError(f"The study {self.id} is no trace: correct its modality in the manifest.")
        return self.study.content


def collect(folder: Path) -> dict[str, list[CohortStudy]]:
    """Return the cohort's studies by modality, in the manifest's order.

    UsageError where there is no manifest or a study cannot be read.
    """
    from engine.workspace.manifest import MANIFEST_NAME, read_manifest

    entries = read_manifest(folder)
    root = folder if folder.is_dir() else folder.parent
    with (root / MANIFEST_NAME if folder.is_dir() else folder).open(newline="", encoding="utf-8-sig") as handle:
        files = [tuple(root / name for name in row["file"].split(";") if name) for row in csv.DictReader(handle)]
    found: dict[str, list[CohortStudy]] = {}
    for entry, names in zip(entries, files, strict=True):
        item = _item(entry, names)
        found.setdefault(item.study.modality, []).append(item)
    return found


def _item(entry: StudyEntry, files: tuple[Path, ...]) -> CohortStudy:
    try:
        study = entry.load(KEY)
    except CasebindError as error:
        raise UsageError(f"Row {entry.number} of the manifest cannot be read: {error}") from error
    name = entry.study_id or f"row-{entry.number}"
    patient = str(entry.facts.get("patient_id", name))
    encounter = str(entry.facts.get("encounter_id", name))
    labels, report = tuple(entry.facts.get("labels", ())), str(entry.facts.get("report", ""))
    view, sex, age = str(entry.facts.get("view", "")), str(entry.facts.get("sex", "")), entry.facts.get("age")
    rate = next((float(entry.extra[c]) for c in RATE_COLUMNS if entry.extra.get(c)), None)
    return CohortStudy(
        *(name, patient, encounter, labels, view, sex, age, rate, report, files, study),
        reference=findings_in(entry.extra),
    )


def group_of(modality: str, items: list[CohortStudy], spaces: dict[str, np.ndarray]) -> Group:
    """Return the items as a group with the given arrays."""
    rows = [(i.id, i.patient, i.encounter, "synthetic", "synthetic", _read_as(modality, i)) for i in items]
    return make_group(modality, rows, spaces)


def _read_as(modality: str, item: CohortStudy) -> set[str]:
    """Return the labels that are read back from a study: the published ones and, of films, view, sex and age."""
    if modality == "ppg":
        return traces.ppg_labels(item.labels)
    return {*item.labels, *(films.attributes(item.view, item.sex, item.age) if modality == "cxr" else ())}


def film_pixels(items: Iterable[CohortStudy]) -> list[np.ndarray]:
    """Return the films' grey values as uint8."""
    contents = [item.study.content for item in items]
    return [_eight_bits(film) for film in contents if isinstance(film, Film)]


def _eight_bits(film: Film) -> np.ndarray:
    full = 2**film.bits - 1
    return film.pixels if film.bits == 8 else np.round(film.pixels / full * 255).astype(np.uint8)


def texts(items: Iterable[CohortStudy]) -> list[str]:
    """Return the reports."""
    return [item.study.content.text for item in items if isinstance(item.study.content, Note)]
