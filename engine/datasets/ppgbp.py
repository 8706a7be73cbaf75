"""PPG-BP (Liang et al. 2018, figshare 5459299, version 5): PPGs of 2.1 s at 1 kHz with blood pressure and history.

Read: "Data File/PPG-BP dataset.xlsx" and "Data File/0_subject/SUBJECT_N.txt", up to three segments a person; the part
below "Data File" may also be the folder itself. Splits are fixed by the person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.datasets.recording import Recording
from engine.datasets.sheet import sheet_rows
from engine.datasets.toolbox import SEXES, label_maps, number, present, recording
from engine.errors import IntakeError
from engine.study import PPG_LEAD, Study, Trace

BOOK, FS_HZ = "PPG-BP dataset.xlsx", 1000.0
HISTORY = ("Hypertension", "Diabetes", "cerebral infarction", "cerebrovascular disease")
COLUMNS = (
    "subject_ID",
    "Sex(M/F)",
    "Age(year)",
    "Systolic Blood Pressure(mmHg)",
    "Diastolic Blood Pressure(mmHg)",
    "Heart Rate(b/m)",
    *HISTORY,
)


def segments(folder: Path) -> Iterator[Recording]:
    """Yield the segments, person by person."""
    place = folder / "Data File" if (folder / "Data File").is_dir() else folder
    files: dict[str, list[Path]] = {}
    for file in sorted((place / "0_subject").glob("*_*.txt")):
        files.setdefault(file.stem.rpartition("_")[0], []).append(file)
    for row in sheet_rows(place / BOOK, "subject_ID", COLUMNS):
        subject = row["subject_ID"].split(".")[0]
        for file in files.get(subject, ()):
            yield _segment(row, subject, file)


def _segment(row: dict[str, str], subject: str, file: Path) -> Recording:
    names = (row[name] for name in HISTORY)
    return recording(
        "PPG-BP (Liang 2018)",
        "ppg",
        f"ppgbp_{file.stem}",
        f"ppgbp:{subject}",
        {"file": file},
        encounter_id=f"ppgbp:{subject}",
        labels=tuple(label_maps()["ppgbp"].get(name, name) for name in names if name),
        age=number(row["Age(year)"]),
        sex=SEXES.get(row["Sex(M/F)"].lower(), ""),
        heart_rate=number(row["Heart Rate(b/m)"]),
        load=_read,
        extra={"sbp": row["Systolic Blood Pressure(mmHg)"], "dbp": row["Diastolic Blood Pressure(mmHg)"]},
    )


def _read(entry: Recording, _: bytes) -> Study:
    """Read one segment: numbers separated by tabs, on one line."""
    (file,) = present([entry.source["file"]])
    try:
        samples = np.array([float(value) for value in re.split(r"\s+", file.read_text().strip())], np.float32)
    except (OSError, ValueError) as error:
        raise IntakeError(f"The segment {file.name} holds something else than numbers: download it again.") from error
    return entry.of_trace(Trace(samples[None], (PPG_LEAD,), FS_HZ, "au"))
