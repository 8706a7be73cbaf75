"""The visits of a synthetic cohort that was drawn: a film, an ECG and what is known of both."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError

FEWEST = 40  # patients, so that every split has some of every outcome


@dataclass(frozen=True)
class DrawnVisit:
    """The first visit of an invented patient.

    number     : of the patient in the cohort          film, statements : labels of film and ECG
    film_file, ecg_file : below the cohort; the ECG's header
    effusion_ml, cardiothoracic_ratio : what the film shows
    vitals     : heart rate, respiration, saturation, systolic and diastolic pressure, under MIMIC-IV-ED's names
    """

    number: int
    age: int
    sex: str
    view: str
    film: tuple[str, ...]
    statements: tuple[str, ...]
    film_file: Path
    ecg_file: Path
    film_report: str
    ecg_report: str
    effusion_ml: float
    cardiothoracic_ratio: float
    vitals: dict[str, float]


VITALS = {"heartrate": "hr", "resprate": "rr", "o2sat": "spo2", "sbp": "sbp", "dbp": "dbp"}


def drawn_visits(cohort: Path) -> list[DrawnVisit]:
    """Return the first visit with film and ECG of every patient of a synthetic cohort, by number.

    UsageError where the folder holds none that was drawn with severities, or too few patients.
    """
    visits: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    try:
        with (cohort / "manifest.csv").open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle):
                if row["modality"] in ("cxr", "ecg") and row["synthetic"] == "true":
                    visits[row["study_id"].rpartition("-")[0]][row["modality"]] = row
        whole = {name: found for name, found in visits.items() if len(found) == 2 and found["cxr"].get("severity")}
        firsts = {name.rpartition("-")[0]: name for name in sorted(whole, reverse=True)}
        made = [_visit(patient, whole[name], cohort) for patient, name in firsts.items()]
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(
            f"{cohort} holds no synthetic cohort that can be read ({error}): draw one by `casebind simulate hospital`."
        ) from error
    if len(made) < FEWEST:
        raise UsageError(
            f"{cohort} has {len(made)} patients with a drawn film and ECG, and {FEWEST} are needed: draw more of them "
            "by `casebind simulate hospital`."
        )
    return sorted(made, key=lambda one: one.number)


def _visit(patient: str, found: dict[str, dict[str, str]], cohort: Path) -> DrawnVisit:
    film, ecg = found["cxr"], found["ecg"]
    severity = json.loads(film["severity"])
    return DrawnVisit(
        int(patient.rpartition("-")[2]),
        int(film["age"]),
        film["sex"],
        film["view"],
        tuple(film["labels"].split(";")),
        tuple(ecg["labels"].split(";")),
        cohort / film["file"],
        cohort / ecg["file"].split(";")[0],
        film["report"],
        ecg["report"],
        severity.get("effusion_left_ml", 0.0) + severity.get("effusion_right_ml", 0.0),
        severity["cardiothoracic_ratio"],
        {name: float(ecg[column]) for name, column in VITALS.items()},
    )
