"""The whole hospital: recordings put under MIMIC's paths one by one, then the tables, which make it complete.

A writing that was stopped goes on where it stopped: recordings are there whole or not at all, and the tables follow
from cohort and seed alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.datasets.adapters import datasets_in
from engine.errors import UsageError
from engine.files import sha256_of, write_whole
from engine.synthetic.admissions.courses import FILE, draw_courses
from engine.synthetic.admissions.drawn import DrawnVisit, drawn_visits
from engine.synthetic.admissions.tables import ECG, DrawnPerson, person, write_tables
from engine.synthetic.ecg.write import write_ecg
from engine.synthetic.write import SYNTHETIC_NOTE

PUBLISHED_FORM = "16"  # of MIMIC-IV-ECG's samples
CONFIG, README = "config.json", "README.txt"
ABOUT = f"""{SYNTHETIC_NOTE}

Nobody in these files exists. They have the names and columns of MIMIC's data sets and are none of them: films and ECGs
were drawn, texts and outcomes were drawn from numbers that were chosen (engine/synthetic/admissions/courses.toml).
"""


def write_hospital(cohort: Path, folder: Path, seed: int, progress: Callable[[int, int], None]) -> int:
    """Write the hospital of a cohort's patients under folder; return how many admissions have a film and an ECG.

    UsageError where the cohort cannot be read, or the folder holds something else.
    """
    visits = drawn_visits(cohort)
    stated = {"cohort": sha256_of(cohort / "manifest.csv"), "courses": sha256_of(FILE), "seed": seed}
    _begin(folder, stated)
    people = [person(course, seed) for course in draw_courses(visits, seed)]
    for place, one in enumerate(people, start=1):
        _put_film(one, folder)
        _put_ecg(one.course.visit, one, folder)
        progress(place, len(people))
    write_tables(people, folder)
    return len(people)


def is_synthetic(folders: Sequence[Path]) -> bool:
    """Say whether a data set in the folders is of a hospital that was written here."""
    places = {below.parent for folder in folders for _, below in datasets_in(folder)}
    return any((place / README).is_file() and (place / CONFIG).is_file() for place in places)


def _begin(folder: Path, stated: dict[str, object]) -> None:
    file = folder / CONFIG
    if not file.is_file() and folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds other files: name a new folder for the admissions.")
    if file.is_file() and json.loads(file.read_text("utf-8")) != stated:
        raise UsageError(f"{folder} holds admissions that were drawn otherwise: name a new folder, or remove it.")
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(stated))
    write_whole(folder / README, ABOUT)


def _put_film(one: DrawnPerson, folder: Path) -> None:
    """Copy the film, and write its report under MIMIC-CXR's heading."""
    film, report, visit = folder / one.film_file, folder / one.report_file, one.course.visit
    if not film.is_file():
        film.parent.mkdir(parents=True, exist_ok=True)
        with visit.film_file.open("rb") as source:
            write_whole(film, lambda out: shutil.copyfileobj(source, out), durable=False)
    report.parent.mkdir(parents=True, exist_ok=True)
    said = f" NOTE: {SYNTHETIC_NOTE}\n\n EXAMINATION: CHEST\n\n FINDINGS:\n {visit.film_report}\n"
    write_whole(report, said, durable=False)


def _put_ecg(visit: DrawnVisit, one: DrawnPerson, folder: Path) -> None:
    """Write the ECG in the format that MIMIC-IV-ECG has; its header, which is written last, makes it complete."""
    import wfdb

    stem = folder / ECG / one.ecg_path
    if stem.with_suffix(".hea").is_file():
        return
    stem.parent.mkdir(parents=True, exist_ok=True)
    drawn = wfdb.rdrecord(str(visit.ecg_file.with_suffix("")), physical=False)
    draft = stem.parent / "draft"
    draft.mkdir(exist_ok=True)
    write_ecg(np.asarray(drawn.d_signal).T, draft / stem.name, PUBLISHED_FORM)
    (draft / f"{stem.name}.dat").replace(stem.with_suffix(".dat"))
    header = (draft / f"{stem.name}.hea").read_text(encoding="ascii")
    write_whole(stem.with_suffix(".hea"), f"{header}# {SYNTHETIC_NOTE}\n", durable=False)
    shutil.rmtree(draft)
