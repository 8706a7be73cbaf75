"""What adapters share: tables with their sentences for what is missing, splits, numbers, and reading of files."""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.datasets.recording import DATASETS, Recording
from engine.errors import IntakeError, UsageError
from engine.study import Modality, Study

SHARES = (("train", 0.7), ("valid", 0.1), ("test", 0.2))  # as MEDBind split MIMIC (table 1: 70 %, 10 %, 20 %)
SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}


@lru_cache(maxsize=1)
def label_maps() -> dict[str, Any]:
    """Return labels.toml: how each data set's codes and columns become labels."""
    return tomllib.loads((Path(__file__).parent / "labels.toml").read_text(encoding="utf-8"))


def find_file(folder: Path, name: str) -> Path | None:
    """Return the file of that name, plain or with .gz, or None."""
    return next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)


def rows(folder: Path, name: str, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV table (plain or .gz) of a data set's folder, cells stripped, in its order.

    Raises UsageError, one sentence, where the table is missing, lacks one of `columns`, or cannot be read.
    """
    file = find_file(folder, name)
    if file is None:
        raise UsageError(f"The folder {folder.name} has no {name}: download it from the data set's page into it.")
    try:
        with (
            gzip.open(file, "rt", newline="", encoding="utf-8-sig")
            if file.suffix == ".gz"
            else file.open(newline="", encoding="utf-8-sig") as handle
        ):
            reader = csv.DictReader(handle, restval="")
            reader.fieldnames = [column.strip() for column in reader.fieldnames or []]
            absent = sorted(set(columns) - set(reader.fieldnames))
            if absent:
                raise UsageError(f"The table {file.name} has no column {absent[0]}: use the file as it was published.")
            for row in reader:
                yield {column: (cell or "").strip() for column, cell in row.items() if isinstance(column, str)}
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The table {file.name} cannot be read: download it again.") from error


def header_facts(header: Path) -> dict[str, str]:
    """Return what a header of the PhysioNet Challenges says in its comments: Age, Sex, Dx (codes joined by commas)."""
    return dict(re.findall(r"^#\s*(Age|Sex|Dx):\s*(\S*)", header.read_text(errors="replace"), flags=re.MULTILINE))


def number(text: str) -> float | None:
    """Return a finite number, or None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def split_of(patient_id: str) -> str:
    """Return the split of a patient of a data set that publishes none: the same always, 70, 10 and 20 %."""
    left = int.from_bytes(hashlib.sha256(patient_id.encode()).digest()[:8], "big") / 2**64
    for name, share in SHARES:
        left -= share
        if left < 0:
            return name
    return SHARES[-1][0]


def recording(
    dataset: str, modality: Modality, study_id: str, patient_id: str, source: dict[str, Any], **overrides: Any
) -> Recording:
    """Return a recording with what the data set says of all its studies; `overrides` are further fields of Recording.

    Without a split in `overrides`, the patient's is `split_of`; without an encounter, the study is its own.
    """
    about = DATASETS[dataset]
    fields: dict[str, Any] = {
        "encounter_id": study_id,
        "split": "",
        "labels": (),
        "label_source": about["label_source"],
        "licence": about["licence"],
        "age": None,
        "sex": "",
        "view": "",
        "heart_rate": None,
        "report": "",
        "load": from_files,
    }
    fields |= overrides
    fields["split"] = fields["split"] or split_of(patient_id)
    return Recording(study_id, dataset, modality, patient_id, source=source, **fields)


def from_files(recording: Recording, key: bytes) -> Study:
    """Read the study in source["files"], as an upload of them would be; a report may lie in source["report"]."""
    from engine.intake.paths import read_paths
    from engine.intake.upload import Answers

    files = present(recording.source["files"])
    asked = recording.modality if recording.modality in ("ecg", "ppg") else None
    study = read_paths(files, Answers(modality=asked), key)
    if study.modality != recording.modality:
        raise IntakeError(f"The file {files[0].name} holds {study.modality}, not {recording.modality}: check it.")
    report = recording.source.get("report")
    if report is not None and report.is_file():
        return replace(study, facts={**study.facts, "report": read_report(report)})
    return study


def present(files: Sequence[Path]) -> Sequence[Path]:
    """Return the files; IntakeError where one is not there."""
    for file in files:
        if not file.is_file():
            raise IntakeError(f"The file {file.name} is not in {file.parent.name}: download it, or leave it out.")
    return files


def read_report(file: Path) -> str:
    """Return a report's findings and impression, or all of it where it has no such headings; blanks made single.

    MIMIC-CXR's reports carry their headings in capitals at the start of a line ("FINDINGS:", "IMPRESSION:").
    """
    text = file.read_text(encoding="utf-8", errors="replace")
    parts = re.split(r"^\s*([A-Z][A-Z ()/,]+):", text, flags=re.MULTILINE)
    named = zip(parts[1::2], parts[2::2], strict=True)
    kept = [body for name, body in named if name.strip() in ("FINDINGS", "IMPRESSION", "FINDINGS AND IMPRESSION")]
    return " ".join(" ".join(kept or [text]).split())
