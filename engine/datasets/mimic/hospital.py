"""MIMIC-IV's hospital tables (2.2 and later): who a patient is and when each stay began and ended.

Read: hosp/patients.csv.gz and hosp/admissions.csv.gz; nothing else is needed for pairing, age and sex.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.datasets.toolbox import SEXES, number, rows


@dataclass(frozen=True)
class Stay:
    """One admission: from registration in the emergency department, where there was one, to discharge."""

    hadm_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Hospital:
    """What is known of each patient, by pseudonym.

    born  : the (shifted) year of birth
    stays : in the order of their start
    """

    sex: dict[str, str]
    born: dict[str, float]
    stays: dict[str, list[Stay]]

    def hadm_id(self, patient_id: str, time: datetime) -> str:
        """Return the admission during which something was recorded, the latest begun where two overlap, "" for none."""
        during = [stay for stay in self.stays.get(patient_id, ()) if stay.start <= time <= stay.end]
        return during[-1].hadm_id if during else ""


def hospital(folder: Path) -> Hospital:
    """Read the tables below `folder`/hosp."""
    sex, born = {}, {}
    for row in rows(folder / "hosp", "patients.csv", ("subject_id", "gender", "anchor_age", "anchor_year")):
        patient, age, year = f"mimic:{row['subject_id']}", number(row["anchor_age"]), number(row["anchor_year"])
        sex[patient] = SEXES.get(row["gender"].lower(), "")
        if age is not None and year is not None:
            born[patient] = year - age
    stays: dict[str, list[Stay]] = defaultdict(list)
    for row in rows(folder / "hosp", "admissions.csv", ("subject_id", "hadm_id", "admittime", "dischtime")):
        start = min(filter(None, (row["admittime"], row.get("edregtime", ""))), default="")
        if start and row["dischtime"]:
            times = (datetime.fromisoformat(start), datetime.fromisoformat(row["dischtime"]))
            stays[f"mimic:{row['subject_id']}"].append(Stay(row["hadm_id"], *times))
    ordered = {patient: sorted(found, key=lambda stay: stay.start) for patient, found in stays.items()}
    return Hospital(sex, born, ordered)
