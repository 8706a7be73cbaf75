"""MIMIC-CXR-JPG 2.0.0 (2.1.0 keeps its file names): frontal films with their labels, split, time and report.

Read: mimic-cxr-2.0.0-metadata, -split and -chexpert .csv.gz, files/pNN/pSUBJECT/sSTUDY/DICOM.jpg, and the reports of
MIMIC-CXR where they are: mimic-cxr-reports/files/… or files/…/sSTUDY.txt, in this folder or beside it.
As MEDBind does (section 3.1), views AP and PA only. Uncertain labels (−1) are no labels and are kept as `uncertain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.datasets.chexpert import labels_of
from engine.datasets.recording import Recording
from engine.datasets.toolbox import label_maps, recording, rows

TABLE = "mimic-cxr-2.0.0-{}.csv"
SPLITS = {"train": "train", "validate": "valid", "test": "test"}
FRONTAL = ("AP", "PA")


def films(folder: Path) -> Iterator[Recording]:
    """Yield every frontal film of the split table, in the order of the metadata."""
    splits = {row["dicom_id"]: row["split"] for row in rows(folder, TABLE.format("split"), ("dicom_id", "split"))}
    columns = ("subject_id", "study_id", *label_maps()["chexpert"])
    read = {row["study_id"]: labels_of(row) for row in rows(folder, TABLE.format("chexpert"), columns)}
    reports = _reports(folder)
    wanted = ("dicom_id", "subject_id", "study_id", "ViewPosition", "StudyDate", "StudyTime")
    for row in rows(folder, TABLE.format("metadata"), wanted):
        if row["ViewPosition"] in FRONTAL and row["dicom_id"] in splits:
            split = SPLITS.get(splits[row["dicom_id"]], "")
            yield _film(folder, reports, row, split=split, labels=read.get(row["study_id"], ((), ())))


def _film(
    folder: Path, reports: Path, row: dict[str, str], *, split: str, labels: tuple[tuple[str, ...], tuple[str, ...]]
) -> Recording:
    """Return one film; `labels` are the certain and the uncertain ones."""
    certain, uncertain = labels
    subject, study, name = row["subject_id"], row["study_id"], row["dicom_id"]
    below = Path(f"p{subject[:2]}") / f"p{subject}"
    source = {
        "files": [folder / "files" / below / f"s{study}" / f"{name}.jpg"],
        "report": reports / below / f"s{study}.txt",
        "hadm_id": row.get("hadm_id", ""),
    }
    return recording(
        "MIMIC-CXR",
        "cxr",
        f"mimic-{name}",
        f"mimic:{subject}",
        source,
        encounter_id=f"mimic-s{study}",
        split=split,
        labels=certain,
        view=row["ViewPosition"],
        acquired_at=iso_time(row["StudyDate"], row["StudyTime"]),
        extra={"uncertain": ";".join(uncertain)} if uncertain else {},
    )


def _reports(folder: Path) -> Path:
    """Return the folder of p10, p11, … that holds the reports; a report that is not there is no error."""
    folders = [folder / "mimic-cxr-reports" / "files", folder.parent / "mimic-cxr-reports" / "files"]
    return next((below for below in folders if below.is_dir()), folder / "files")


def iso_time(date: str, time: str) -> str:
    """Return a DICOM date and a time whose leading zeros were lost as ISO 8601, "" where they are none.

    ("21800506", "83045.125") gives "2180-05-06T08:30:45".
    """
    day, clock = date.split(".")[0], time.split(".")[0].zfill(6)
    if len(day) != 8 or len(clock) != 6 or not (day + clock).isdigit():
        return ""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"
