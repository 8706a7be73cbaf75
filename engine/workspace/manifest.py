"""manifest.csv → entries: one study to be read per row, with its facts under the manifest's own column names.

Columns: file (relative; several files of one study joined by ";"), modality, and optionally study_id, patient_id,
encounter_id, acquired_at, age, sex, view, labels (joined by ";"), report, fs, units, leads, consent, label_source,
licence, attribution, synthetic; further columns are kept as they are.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import CasebindError, IntakeError, UsageError
from engine.modalities import MODALITIES, spec_of
from engine.store.records import SCOPES
from engine.study import Note, Study, Trace

MANIFEST_NAME = "manifest.csv"
KNOWN_COLUMNS = (
    "file",
    "modality",
    "study_id",
    "patient_id",
    "encounter_id",
    "acquired_at",
    "age",
    "sex",
    "view",
    "labels",
    "report",
    "fs",
    "units",
    "consent",
    "label_source",
    "licence",
    "attribution",
    "synthetic",
)
UNITS = ("mV", "uV", "au", "sd")
YES, NO = ("yes", "true", "1", "granted"), ("no", "false", "0", "withdrawn", "none")
SEXES = {"f": "F", "female": "F", "w": "F", "m": "M", "male": "M", "o": "O", "other": "O"}


@dataclass(frozen=True, eq=False)
class StudyEntry:
    """One study that a manifest or a data set names.

    number   : row number, the first row after the header is 1
    study_id : "" where the manifest gives none
    identity : what makes this row the same row when the manifest is read again
    facts    : values under manifest.csv's column names, typed
    extra    : further columns, as they are
    read     : reads the files with the workspace's key; raises IntakeError
    problem  : why the row cannot be read at all, else ""
    """

    number: int
    study_id: str
    identity: str
    facts: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    read: Callable[[bytes], Study] | None = None
    problem: str = ""

    def load(self, key: bytes) -> Study:
        """Read the study; IntakeError where it cannot be."""
        if self.read is None:
            raise IntakeError(self.problem)
        return self.read(key)

    def row_key(self, cohort: str) -> str:
        """Return the same 64 hex digits whenever this row is met in this cohort."""
        return hashlib.sha256(f"{cohort}\n{self.identity}".encode()).hexdigest()


def read_manifest(path: Path) -> list[StudyEntry]:
    """Return one entry per row, in the order of the file; a row with a mistake carries its `problem`.

    path : manifest.csv itself or the folder that holds it. UsageError where there is no readable manifest.
    """
    file = path / MANIFEST_NAME if path.is_dir() else path
    rows = _rows(file)
    seen: set[str] = set()
    return [_entry(file.parent.resolve(), number, row, seen) for number, row in enumerate(rows, start=1)]


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, restkey="", restval="", strict=True)
            names = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = names
            rows = list(reader)
    except FileNotFoundError as error:
        raise UsageError(f"There is no manifest {file}: name a manifest.csv or a folder that holds one.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The manifest {file} cannot be read as UTF-8 CSV: save it as CSV (UTF-8) again.") from error
    if not {"file", "modality"} <= set(names):
        missing = " and ".join(sorted({"file", "modality"} - set(names)))
        raise UsageError(f"The manifest {file.name} has no column {missing}: add it, with one row per study.")
    if not rows:
        raise UsageError(f"The manifest {file.name} has no rows: add one row per study.")
    return rows


def _entry(folder: Path, number: int, raw: dict[str, Any], seen: set[str]) -> StudyEntry:
    overfull = "" in raw
    row = {name: value.strip() for name, value in raw.items() if name}
    study_id = row.get("study_id", "")
    identity = study_id or json.dumps(row, sort_keys=True)
    extra = {name: value for name, value in row.items() if name not in KNOWN_COLUMNS and value}
    try:
        if overfull:
            raise IntakeError("the row has more fields than the header: quote the value that holds a comma")
        if identity in seen:
            raise IntakeError(f"the study id {study_id} occurs twice" if study_id else "the row occurs twice")
        seen.add(identity)
        return StudyEntry(number, study_id, identity, _facts(row), extra, _reader(folder, row))
    except CasebindError as error:
        return StudyEntry(number, study_id, identity, {}, extra, None, str(error))


def _facts(row: dict[str, str]) -> dict[str, Any]:
    """Return the typed facts of a row; blank cells are left out."""
    if row["modality"] not in MODALITIES:
        raise IntakeError(f"the modality is '{row['modality']}': use {', '.join(MODALITIES)}")
    if row.get("units") and row["units"] not in UNITS:
        raise IntakeError(f"the units are '{row['units']}': use {', '.join(UNITS)}")
    sex = row.get("sex", "").lower()
    facts: dict[str, Any] = {
        name: row[name]
        for name in (
            "modality",
            "patient_id",
            "encounter_id",
            "acquired_at",
            "view",
            "report",
            "units",
            "label_source",
            "licence",
            "attribution",
        )
        if row.get(name)
    }
    if row.get("labels"):
        facts["labels"] = [label.strip() for label in row["labels"].split(";") if label.strip()]
    facts |= {name: _number(name, row[name]) for name in ("age", "fs") if row.get(name)}
    if sex:
        facts["sex"] = SEXES.get(sex, row["sex"])
    if row.get("consent"):
        facts["consent"] = consent_of(row["consent"])
    if row.get("synthetic"):
        facts["synthetic"] = row["synthetic"].lower() in YES
    return facts


def consent_of(text: str) -> dict[str, bool]:
    """Read a consent cell: yes, no, or the granted scopes joined by ";"."""
    word = text.strip().lower()
    if word in YES or word in NO:
        return dict.fromkeys(SCOPES, word in YES)
    granted = {scope.strip() for scope in word.split(";") if scope.strip()}
    if granted - set(SCOPES):
        raise IntakeError(f"the consent is '{text}': use yes, no, or {';'.join(SCOPES)}")
    return {scope: scope in granted for scope in SCOPES}


def _number(name: str, text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError as error:
        raise IntakeError(f"the {name} is '{text}', which is no number") from error
    if not 0 <= value < 1e6:
        raise IntakeError(f"the {name} is {text}, which cannot be")
    return value


def _reader(folder: Path, row: dict[str, str]) -> Callable[[bytes], Study]:
    names = [name.strip() for name in row["file"].split(";") if name.strip()]
    paths = [_inside(folder, name) for name in names]
    if not paths and not (spec_of(row["modality"]).content is Note and row.get("report")):
        raise IntakeError("the row names no file")
    fs = _number("fs", row["fs"]) if row.get("fs") else None

    def read(key: bytes) -> Study:
        return read_files(paths, row["modality"], fs, row.get("units") or None, key, report=row.get("report", ""))

    return read


def read_files(
    paths: list[Path], modality: str, fs: float | None, units: str | None, key: bytes, *, report: str = ""
) -> Study:
    """Read the files of one study of a stated modality; a text may come from a .txt file or from `report`."""
    from engine.intake.paths import read_paths
    from engine.intake.read import read_text
    from engine.intake.upload import Answers

    if spec_of(modality).content is Note:
        return read_text(_text(paths) if paths else report)
    asked = modality if spec_of(modality).content is Trace else None
    study = read_paths(paths, Answers(modality=asked, fs=fs, units=units), key)
    if study.modality != modality:
        raise IntakeError(f"the file holds {study.modality} and the manifest says {modality}")
    return study


def _text(paths: list[Path]) -> str:
    try:
        return "\n".join(path.read_text(encoding="utf-8-sig") for path in paths)
    except OSError as error:
        raise IntakeError(f"the text file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise IntakeError("the text file is not UTF-8: save it as UTF-8 text") from error


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file below `folder`; refuse one that leads out of it."""
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(folder) or not path.resolve().is_relative_to(folder):
        raise IntakeError(f"the file {name} lies outside the manifest's folder: put it below, and name it relatively")
    return path
