"""Tiny folders with the file and column names of public data sets; films and traces are of the synthetic cohort."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wfdb
from PIL import Image

from engine import settings
from engine.intake.paths import read_paths
from engine.study import ECG_LEADS, Trace

FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "No Finding",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
    "Support Devices",
)


def table(file: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """Write a CSV, compressed where the name ends in .gz."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    data = text.getvalue().encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file


def film(file: Path, number: int = 1) -> Path:
    """Write a film of the synthetic cohort as JPEG or PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    source = sorted((settings.DEMO / "cxr").glob("*.jpg"))[number]
    if file.suffix == ".jpg":
        shutil.copy(source, file)
    else:
        Image.open(source).convert("L").resize((256, 256)).save(file)
    return file


def ecg_mv(number: int = 0) -> np.ndarray:
    """Return a 12-lead ECG of the synthetic cohort: (12, 5000) in mV at 500 Hz."""
    study = read_paths([sorted((settings.DEMO / "ecg").glob("*.hea"))[number]])
    assert isinstance(study.content, Trace)
    return study.content.samples


def ecg(header: Path, number: int = 0, fs: int = 500, comments: Sequence[str] = ()) -> None:
    """Write a WFDB record, .hea and .dat."""
    header.parent.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        header.stem,
        fs=fs,
        units=["mV"] * 12,
        sig_name=[lead.upper() for lead in ECG_LEADS],
        p_signal=ecg_mv(number)[:, :: 500 // fs].T.astype(float),
        fmt=["16"] * 12,
        write_dir=str(header.parent),
        comments=list(comments),
    )


# MIMIC: two admissions of patient 10000032, none of 10000764.
ADMISSIONS = (
    (10000032, 22595853, "2180-05-06 22:23:00", "2180-05-07 17:15:00", "2180-05-06 19:17:00"),
    (10000032, 22841357, "2180-06-26 18:27:00", "2180-06-27 18:49:00", ""),
)
FILMS = (  # dicom, subject, study, view, date, time, split
    ("02aa804e", 10000032, 50414267, "PA", 21800506, 213014.531, "train"),
    ("174413ec", 10000032, 50414267, "LATERAL", 21800506, 213014.531, "train"),
    ("2a2277a9", 10000032, 53189527, "AP", 21800626, 195500, "train"),
    ("68b5c4b1", 10000764, 57375967, "AP", 21321015, 83045.125, "test"),
)
ECGS = (  # subject, study, time, statements, rr
    (10000032, 40689238, "2180-05-06 20:10:00", ("Sinus rhythm", "Left ventricular hypertrophy", "Abnormal ECG"), 659),
    (10000032, 44458630, "2180-07-23 09:54:00", ("Sinus tachycardia", "Possible Inferior infarct"), 500),
    (10000764, 40000001, "2132-10-16 08:00:00", ("Sinus rhythm", "Normal ECG"), 65535),
)


PRESENT = {50414267: {"Pleural Effusion": "1.0", "Edema": "-1.0"}}


def mimic_cxr(
    folder: Path, films: Sequence[tuple] = FILMS, reports: bool = True, present: dict[int, dict[str, str]] = PRESENT
) -> Path:
    """Write MIMIC-CXR-JPG 2.0.0: study 50414267 has an effusion and uncertain oedema, the others No Finding."""
    rows = [(d, p, s, "CHEST (PA AND LAT)", v, 3056, 2544, day, time) for d, p, s, v, day, time, _ in films]
    table(
        folder / "mimic-cxr-2.0.0-metadata.csv.gz",
        (
            "dicom_id",
            "subject_id",
            "study_id",
            "PerformedProcedureStepDescription",
            "ViewPosition",
            "Rows",
            "Columns",
            "StudyDate",
            "StudyTime",
        ),
        rows,
    )
    table(
        folder / "mimic-cxr-2.0.0-split.csv.gz",
        ("dicom_id", "study_id", "subject_id", "split"),
        [(d, s, p, split) for d, p, s, _, _, _, split in films],
    )
    table(
        folder / "mimic-cxr-2.0.0-chexpert.csv.gz",
        ("subject_id", "study_id", *FINDINGS),
        [(p, s, *_observed(present.get(s))) for p, s in dict.fromkeys(one[1:3] for one in films)],
    )
    for number, (dicom, subject, study, *_) in enumerate(films):
        place = Path(f"p{str(subject)[:2]}") / f"p{subject}"
        film(folder / "files" / place / f"s{study}" / f"{dicom}.jpg", number)
        if reports:
            report = folder / "mimic-cxr-reports" / "files" / place / f"s{study}.txt"
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(" EXAMINATION: CHEST\n\n FINDINGS:\n Small\n effusion.\n\n IMPRESSION:\n As above.\n")
    return folder


def _observed(present: dict[str, str] | None) -> list[str]:
    return [(present or {"No Finding": "1.0"}).get(name, "") for name in FINDINGS]


def mimic_ecg(folder: Path, ecgs: Sequence[tuple] = ECGS) -> Path:
    """Write MIMIC-IV-ECG 1.0."""
    paths = [f"files/p{str(subject)[:4]}/p{subject}/s{study}/{study}" for subject, study, *_ in ecgs]
    table(
        folder / "record_list.csv",
        ("subject_id", "study_id", "file_name", "ecg_time", "path"),
        [(p, s, s, time, path) for (p, s, time, *_), path in zip(ecgs, paths, strict=True)],
    )
    statements = [[*said, *[""] * (18 - len(said))] for *_, said, _ in ecgs]
    table(
        folder / "machine_measurements.csv",
        (
            "subject_id",
            "study_id",
            "cart_id",
            "ecg_time",
            *[f"report_{i}" for i in range(18)],
            "bandwidth",
            "filtering",
            "rr_interval",
            "p_onset",
        ),
        [
            (p, s, 6848296, time, *said, "0.005-150 Hz", "60 Hz notch", rr, 40)
            for (p, s, time, _, rr), said in zip(ecgs, statements, strict=True)
        ],
    )
    for number, path in enumerate(paths):
        ecg(folder / f"{path}.hea", number)
    return folder


def mimic_iv(folder: Path) -> Path:
    """Write the two hospital tables of MIMIC-IV 2.2 that are read."""
    table(
        folder / "hosp" / "patients.csv.gz",
        ("subject_id", "gender", "anchor_age", "anchor_year", "anchor_year_group", "dod"),
        [(10000032, "F", 52, 2180, "2014 - 2016", ""), (10000764, "M", 86, 2132, "2014 - 2016", "")],
    )
    table(
        folder / "hosp" / "admissions.csv.gz",
        ("subject_id", "hadm_id", "admittime", "dischtime", "edregtime"),
        ADMISSIONS,
    )
    return folder


STATEMENTS = (  # code, description, diagnostic_class
    ("NORM", "normal ECG", "NORM"),
    ("SR", "sinus rhythm", ""),
    ("AFIB", "atrial fibrillation", ""),
    ("LVH", "left ventricular hypertrophy", "HYP"),
    ("IMI", "inferior myocardial infarction", "MI"),
)
RECORDS = (  # ecg, patient, age, sex, codes, fold
    (1, "15709.0", 56.0, 1, "{'NORM': 100.0, 'SR': 0.0}", 3),
    (2, "13243.0", 300.0, 0, "{'LVH': 50.0, 'IMI': 15.0, 'SR': 0.0}", 9),
    (3, "20372.0", "", 1, "{'AFIB': 0.0, 'XYZ': 0.0}", 10),
)


def ptbxl(folder: Path, records: Sequence[tuple] = RECORDS, fast: bool = False) -> Path:
    """Write PTB-XL 1.0.3 with records at 100 Hz, and at 500 Hz where `fast`."""
    table(
        folder / "scp_statements.csv",
        ("", "description", "diagnostic", "form", "rhythm", "diagnostic_class"),
        [(code, said, "1.0" if found else "", "", "", found) for code, said, found in STATEMENTS],
    )
    names = [(f"records100/00000/{ecg:05d}_lr", f"records500/00000/{ecg:05d}_hr") for ecg, *_ in records]
    table(
        folder / "ptbxl_database.csv",
        (
            "ecg_id",
            "patient_id",
            "age",
            "sex",
            "height",
            "recording_date",
            "report",
            "scp_codes",
            "strat_fold",
            "filename_lr",
            "filename_hr",
        ),
        [
            (ecg, patient, age, sex, "", "1984-11-09 09:17:34", "sinusrhythmus", codes, fold, *both)
            for (ecg, patient, age, sex, codes, fold), both in zip(records, names, strict=True)
        ],
    )
    for number, (low, high) in enumerate(names):
        ecg(folder / f"{high if fast else low}.hea", number, 500 if fast else 100)
    return folder
