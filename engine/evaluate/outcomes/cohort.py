"""Admissions that are asked about one outcome, as arrays and texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.datasets.mimic.admissions import MEASURED, Admission, drawn_split
from engine.datasets.recording import Recording
from engine.errors import UsageError
from engine.evaluate.outcomes.texts import READMISSION, recordings_of, reports_of, text_of

SPLITS = ("train", "valid", "test")
CONNECTED = ("any", "both", "all")
FEWEST = 5  # of either outcome in `train` and in `test`


@dataclass(frozen=True)
class Asked:
    """Which admissions are asked.

    connected : "any": with a film or an ECG, "both": with both, "all": with or without
    most      : of a split, whole patients in a fixed order; 0 for all
    splits    : "published": a patient with films has MIMIC-CXR's split, the others a drawn one; "drawn": all drawn
    """

    connected: str = "any"
    most: int = 0
    splits: str = "published"


@dataclass(frozen=True, eq=False)
class TaskTable:
    """One row an admission.

    truth (n,) bool; patients, split (n,) str; texts, reports: n strings; vitals (n, v) and readings (n, r) float, NaN
    where not measured; films, ecgs: the recording that is read, None where there is none
    """

    task: str
    truth: np.ndarray
    patients: np.ndarray
    split: np.ndarray
    texts: list[str]
    reports: list[str]
    vitals: np.ndarray
    readings: np.ndarray
    films: list[Recording | None]
    ecgs: list[Recording | None]

    def of(self, name: str) -> np.ndarray:
        """Return the places of a split's rows: (m,) int."""
        return np.flatnonzero(self.split == name)

    @cached_property
    def prevalence(self) -> float:
        """Share of `train` with the outcome."""
        return float(self.truth[self.of("train")].mean())


def task_table(admissions: Sequence[Admission], task: str, asked: Asked) -> TaskTable:
    """Return the admissions that are asked about a task; UsageError where a split has too few of an outcome."""
    chosen = [one for one in admissions if task != READMISSION or one.readmitted is not None]
    chosen = [drawn_split(one) for one in chosen] if asked.splits == "drawn" else chosen
    chosen = [one for name in SPLITS for one in _sample(_of_split(chosen, name, asked), asked.most)]
    truth = np.array([bool(one.readmitted if task == READMISSION else one.died) for one in chosen], bool)
    both = [recordings_of(one, task) for one in chosen]
    table = TaskTable(
        task,
        truth,
        np.array([one.patient_id for one in chosen]),
        np.array([one.split for one in chosen]),
        [text_of(one, task) for one in chosen],
        [reports_of(film, ecg) for film, ecg in both],
        np.array([_vitals(one) for one in chosen], np.float64).reshape(len(chosen), -1),
        _readings(both),
        [film for film, _ in both],
        [ecg for _, ecg in both],
    )
    _check(table)
    return table


def _of_split(admissions: Sequence[Admission], name: str, asked: Asked) -> list[Admission]:
    wanted = {"any": 1, "both": 2, "all": 0}[asked.connected]
    return [one for one in admissions if one.split == name and bool(one.films) + bool(one.ecgs) >= wanted]


def _sample(admissions: Sequence[Admission], most: int) -> list[Admission]:
    """Return whole patients in the order of their hash until there are `most` admissions; all where it is 0."""
    ordered = sorted(admissions, key=lambda one: (hashlib.sha256(one.patient_id.encode()).digest(), one.start))
    if not most or len(ordered) <= most:
        return ordered
    last = ordered[most - 1].patient_id
    return [one for place, one in enumerate(ordered) if place < most or one.patient_id == last]


def _vitals(one: Admission) -> list[float]:
    """Age, sex, whether it was an emergency, and what was measured at triage."""
    person = [np.nan if one.age is None else one.age, float(one.sex == "F")]
    urgent = float(any(word in one.described.get("admission_type", "").upper() for word in ("EMER", "URGENT")))
    return [*person, urgent, *(one.measured.get(name, np.nan) for name in MEASURED)]


def _readings(both: Sequence[tuple[Recording | None, Recording | None]]) -> np.ndarray:
    """Return the published labels of film and ECG, one column each, and the ECG's heart rate: (n, r)."""
    held = [[{*one.labels} if one is not None else set() for one in pair] for pair in both]
    names = [sorted(set().union(*(pair[side] for pair in held))) for side in (0, 1)] if held else [[], []]
    rates = [ecg.heart_rate if ecg is not None and ecg.heart_rate is not None else np.nan for _, ecg in both]
    columns = [[float(name in pair[side]) for pair in held] for side in (0, 1) for name in names[side]]
    return np.array([*columns, rates], np.float64).T.reshape(len(both), -1)


def _check(table: TaskTable) -> None:
    for name in ("train", "test"):
        truth = table.truth[table.of(name)]
        fewest = int(min(truth.sum(), (~truth).sum()))
        if fewest < FEWEST:
            raise UsageError(
                f"Only {fewest} admissions of {name} have one outcome of {table.task}, and {FEWEST} are needed: "
                "ask more admissions by --connected all or --splits drawn, or draw more patients."
            )
