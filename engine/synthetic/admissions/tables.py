"""Files of the synthetic hospital under MIMIC's names and columns; each says somewhere that it is synthetic.

DIR/mimic-cxr-jpg/    mimic-cxr-2.0.0-metadata, -split, -chexpert .csv.gz, files/, mimic-cxr-reports/
DIR/mimic-iv-ecg/     record_list.csv, machine_measurements.csv, files/
DIR/mimiciv/          hosp/patients, admissions, diagnoses_icd, d_icd_diagnoses .csv.gz
DIR/mimic-iv-note/    note/discharge.csv.gz
DIR/mimic-iv-ed/      ed/edstays, ed/triage .csv.gz
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.toolbox import label_maps
from engine.files import write_whole
from engine.plain_text import csv_text
from engine.synthetic.admissions.courses import DrawnCourse
from engine.synthetic.write import SYNTHETIC_NOTE

CXR, ECG, HOSPITAL, NOTE, EMERGENCY = "mimic-cxr-jpg", "mimic-iv-ecg", "mimiciv", "mimic-iv-note", "mimic-iv-ed"
STATEMENTS = 18
FIRST_DAY = datetime(2150, 1, 1)


@dataclass(frozen=True)
class DrawnStay:
    """One stay of a patient: the admission that is asked about, or one before or after it."""

    hadm_id: int
    start: datetime
    end: datetime
    died: bool = False
    asked: bool = False


@dataclass(frozen=True)
class DrawnPerson:
    """A patient's numbers, times and stays, all made from the course and the seed."""

    course: DrawnCourse
    stays: tuple[DrawnStay, ...]
    film_at: datetime
    ecg_at: datetime

    @property
    def subject_id(self) -> int:
        """The patient's number in every table."""
        return 10_000_000 + self.course.visit.number

    @property
    def film_study(self) -> int:
        """The film's study_id."""
        return 50_000_000 + self.course.visit.number

    @property
    def ecg_study(self) -> int:
        """The ECG's study_id."""
        return 40_000_000 + self.course.visit.number

    @property
    def ed_stay(self) -> int:
        """The stay_id of the visit to the emergency department."""
        return 30_000_000 + self.course.visit.number

    @property
    def dicom_id(self) -> str:
        """The film's dicom_id: five groups of eight hex digits."""
        digest = hashlib.sha256(f"synthetic film {self.subject_id}".encode()).hexdigest()
        return "-".join(digest[start : start + 8] for start in range(0, 40, 8))

    @property
    def asked(self) -> DrawnStay:
        """The admission with film and ECG."""
        return next(stay for stay in self.stays if stay.asked)

    @property
    def film_file(self) -> Path:
        """The film below the hospital's folder."""
        return Path(CXR) / "files" / self._film_folder / f"{self.dicom_id}.jpg"

    @property
    def report_file(self) -> Path:
        """The film's report below the hospital's folder."""
        return Path(CXR) / "mimic-cxr-reports" / "files" / self._film_folder.with_suffix(".txt")

    @property
    def ecg_path(self) -> Path:
        """The ECG's path in record_list.csv, without suffix."""
        subject = str(self.subject_id)
        return Path("files") / f"p{subject[:4]}" / f"p{subject}" / f"s{self.ecg_study}" / str(self.ecg_study)

    @property
    def _film_folder(self) -> Path:
        subject = str(self.subject_id)
        return Path(f"p{subject[:2]}") / f"p{subject}" / f"s{self.film_study}"


def person(course: DrawnCourse, seed: int) -> DrawnPerson:
    """Return a patient's stays and when film and ECG were made, by the seed and the patient's number."""
    rng = np.random.default_rng([seed, course.visit.number, 27])
    start = FIRST_DAY + timedelta(days=int(rng.integers(3000)), minutes=int(rng.integers(1440)))
    end = start + timedelta(hours=float(rng.uniform(40, 200)))
    number = 20_000_000 + 10 * course.visit.number
    stays = [DrawnStay(number + 1, start, end, course.died, asked=True)]
    if course.earlier:
        before = start - timedelta(days=float(rng.uniform(200, 900)))
        stays.insert(0, DrawnStay(number, before, before + timedelta(days=3)))
    away = rng.uniform(3, 27) if course.readmitted else rng.uniform(45, 300)
    if course.readmitted or (course.later and not course.died):
        again = end + timedelta(days=float(away))
        stays.append(DrawnStay(number + 2, again, again + timedelta(days=4)))
    hours = rng.uniform(1, 20, 2)
    moments = [start + timedelta(hours=float(-hour if course.recorded_before else hour)) for hour in hours]
    return DrawnPerson(course, tuple(stays), *moments)


def write_tables(people: Sequence[DrawnPerson], folder: Path) -> None:
    """Write every table; the recordings themselves are there already."""
    _films(people, folder / CXR)
    _ecgs(people, folder / ECG)
    _stays(people, folder / HOSPITAL / "hosp")
    _emergency(people, folder / EMERGENCY / "ed")
    notes = [_note(one, stay) for one in people for stay in one.stays]
    columns = ("note_id", "subject_id", "hadm_id", "note_type", "note_seq", "charttime", "storetime", "text")
    table(folder / NOTE / "note" / "discharge.csv.gz", columns, notes)


def table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV whole or not at all, compressed where the name ends in .gz; the same bytes for the same rows."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    data = csv_text(columns, cells, line_end="\n").encode()
    packed = gzip.compress(data, mtime=0) if file.suffix == ".gz" else data
    write_whole(file, lambda out: out.write(packed))


def _films(people: Sequence[DrawnPerson], folder: Path) -> None:
    metadata = [
        (
            one.dicom_id,
            one.subject_id,
            one.film_study,
            f"CHEST ({SYNTHETIC_NOTE})",
            one.course.visit.view,
            512,
            512,
            f"{one.film_at:%Y%m%d}",
            f"{one.film_at:%H%M%S}.000",
        )
        for one in people
    ]
    name = "mimic-cxr-2.0.0-{}.csv.gz"
    columns = ("dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition")
    table(folder / name.format("metadata"), (*columns, "Rows", "Columns", "StudyDate", "StudyTime"), metadata)
    splits = [
        (one.dicom_id, one.film_study, one.subject_id, {"valid": "validate"}.get(one.course.split, one.course.split))
        for one in people
    ]
    table(folder / name.format("split"), ("dicom_id", "study_id", "subject_id", "split"), splits)
    labels = list(label_maps()["chexpert"])
    held = [
        (one.subject_id, one.film_study, *("1.0" if label in one.course.visit.film else "" for label in labels))
        for one in people
    ]
    table(folder / name.format("chexpert"), ("subject_id", "study_id", *labels), held)


def _ecgs(people: Sequence[DrawnPerson], folder: Path) -> None:
    listed = [
        (one.subject_id, one.ecg_study, one.ecg_study, _time(one.ecg_at), one.ecg_path.as_posix()) for one in people
    ]
    table(folder / "record_list.csv", ("subject_id", "study_id", "file_name", "ecg_time", "path"), listed)
    names = [f"report_{number}" for number in range(STATEMENTS)]
    measured = []
    for one in people:
        said = [*one.course.visit.statements, SYNTHETIC_NOTE][:STATEMENTS]
        rate = round(60_000 / one.course.visit.vitals["heartrate"])
        measured.append(
            (one.subject_id, one.ecg_study, _time(one.ecg_at), *said, *[""] * (STATEMENTS - len(said)), rate)
        )
    table(folder / "machine_measurements.csv", ("subject_id", "study_id", "ecg_time", *names, "rr_interval"), measured)


def _stays(people: Sequence[DrawnPerson], folder: Path) -> None:
    table(
        folder / "patients.csv.gz",
        ("subject_id", "gender", "anchor_age", "anchor_year", "anchor_year_group", "dod"),
        [(p.subject_id, p.course.visit.sex, p.course.visit.age, p.asked.start.year, "synthetic", "") for p in people],
    )
    columns = ("subject_id", "hadm_id", "admittime", "dischtime", "deathtime", "admission_type", "admission_location")
    more = ("discharge_location", "insurance", "language", "marital_status", "race", "edregtime", "edouttime")
    table(
        folder / "admissions.csv.gz",
        (*columns, *more, "hospital_expire_flag"),
        [_admission(one, stay) for one in people for stay in one.stays],
    )
    titles = sorted({one.course.words["history"] for one in people})
    codes = {title: f"S{place:03d}" for place, title in enumerate(titles)}
    table(
        folder / "d_icd_diagnoses.csv.gz",
        ("icd_code", "icd_version", "long_title"),
        [(code, 10, title) for title, code in codes.items()],
    )
    table(
        folder / "diagnoses_icd.csv.gz",
        ("subject_id", "hadm_id", "seq_num", "icd_code", "icd_version"),
        [(p.subject_id, stay.hadm_id, 1, codes[p.course.words["history"]], 10) for p in people for stay in p.stays],
    )


def _admission(one: DrawnPerson, stay: DrawnStay) -> tuple[Any, ...]:
    where = "DIED" if stay.died else _DISCHARGED[one.course.words["disposition"]] if stay.asked else "HOME"
    left = stay.start + timedelta(minutes=5)
    return (
        one.subject_id,
        stay.hadm_id,
        _time(stay.start),
        _time(stay.end),
        _time(stay.end) if stay.died else "",
        "EW EMER.",
        one.course.words["admission_location"],
        where,
        one.course.insurance,
        "English",
        one.course.marital_status,
        "UNKNOWN",
        _time(stay.start),
        _time(left),
        int(stay.died),
    )


_DISCHARGED = {"Extended Care": "SKILLED NURSING FACILITY", "Home With Service": "HOME HEALTH CARE", "Home": "HOME"}


def _emergency(people: Sequence[DrawnPerson], folder: Path) -> None:
    stays = [
        (one.subject_id, one.asked.hadm_id, one.ed_stay, _time(one.asked.start), _time(one.asked.start))
        for one in people
    ]
    table(folder / "edstays.csv.gz", ("subject_id", "hadm_id", "stay_id", "intime", "outtime"), stays)
    names = ("heartrate", "resprate", "o2sat", "sbp", "dbp")
    triage = [
        (
            one.subject_id,
            one.ed_stay,
            one.course.temperature,
            *(one.course.visit.vitals[name] for name in names),
            "",
            one.course.acuity,
            one.course.words["complaint"],
        )
        for one in people
    ]
    columns = ("subject_id", "stay_id", "temperature", *names, "pain", "acuity", "chiefcomplaint")
    table(folder / "triage.csv.gz", columns, triage)


def _note(one: DrawnPerson, stay: DrawnStay) -> tuple[Any, ...]:
    """Return the row of a stay's discharge summary; that of a stay before or after says nothing of the asked one."""
    words = one.course.words
    course = words["course"] if stay.asked else "The patient was treated and mobilised."
    where = "Expired" if stay.died else words["disposition"] if stay.asked else "Home"
    text = (
        f"Name: ___ Unit No: ___\n \n({SYNTHETIC_NOTE})\n \nSex: {one.course.visit.sex}\n \n"
        f"Chief Complaint:\n{words['complaint'] if stay.asked else 'Weakness'}\n \n"
        f"Past Medical History:\n{words['history']}\n \nBrief Hospital DrawnCourse:\n{course}\n \n"
        f"Discharge Disposition:\n{where}\n \nFollowup Instructions:\n___\n"
    )
    at = _time(stay.end)
    return (f"{one.subject_id}-DS-{stay.hadm_id}", one.subject_id, stay.hadm_id, "DS", 1, at, at, text)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
