"""manifest.csv → entries: one study to be read per row, with its facts under the manifest's own column names.

Columns: file (relative; several files of one study joined by ";"), modality, and optionally study_id, patient_id,
encounter_id, acquired_at, age, sex, view, labels (joined by ";"), report, fs, units, leads, consent, label_source,
licence, attribution, synthetic, spacing_mm (of a film); which further columns come in is said at the door
(`engine.workspace.door`). What an optional cell says is read by `engine.intake.facts`, `reference_findings` by
`engine.reference`; a cell that says nothing leaves its fact out and is named in the entry's remarks.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import reference
from engine.errors import CasebindError, IntakeError, UsageError, brief
from engine.intake.facts import Fact, age_of, date_of, rate_of, sex_of, spacing_of, units_of, view_of
from engine.intake.paths import inside, read_paths
from engine.intake.upload import Answers
from engine.modalities import MODALITIES, spec_of
from engine.store.records import SCOPES
from engine.study import Film, Note, Study, Trace
from engine.workspace.manifest_table import SURPLUS, Row, table_rows

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
    "spacing_mm",
)
OPTIONAL: dict[str, Callable[[str], Fact]] = {
    "acquired_at": date_of,
    "age": age_of,
    "fs": rate_of,
    "sex": sex_of,
    "spacing_mm": spacing_of,
    "units": units_of,
    "view": view_of,
}
IDS, MAX_ID = ("study_id", "patient_id", "encounter_id"), 200
YES, NO = ("yes", "true", "1", "granted"), ("no", "false", "0", "withdrawn", "none")
LATER = ("teaching", "federation")  # scopes that older lists of consent do not speak of
DENIED = "no-"


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
    remarks  : what was read freely or left out of its optional cells, a clause each
    """

    number: int
    study_id: str
    identity: str
    facts: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    read: Callable[[bytes], Study] | None = None
    problem: str = ""
    remarks: tuple[str, ...] = ()

    def load(self, key: bytes) -> Study:
        """Read the study; IntakeError where it cannot be."""
        if self.read is None:
            raise IntakeError(self.problem)
        try:
            return self.read(key)
        except OSError as error:  # such as a name that no file system takes
            raise IntakeError(f"its files cannot be opened ({error.strerror})") from error

    def row_key(self, cohort: str) -> str:
        """Return the same 64 hex digits whenever this row is met in this cohort."""
        return hashlib.sha256(f"{cohort}\n{self.identity}".encode()).hexdigest()


def read_manifest(path: Path) -> list[StudyEntry]:
    """Return one entry per row, in the order of the file; a row with a mistake carries its `problem`.

    path : manifest.csv itself or the folder that holds it. UsageError where there is no readable manifest.
    """
    file = path / MANIFEST_NAME if path.is_dir() else path
    rows = table_rows(file)
    seen: set[str] = set()
    return [_entry(file.parent.resolve(), number, row, seen) for number, row in enumerate(rows, start=1)]


def _entry(folder: Path, number: int, raw: Row, seen: set[str]) -> StudyEntry:
    if isinstance(raw, str):
        return StudyEntry(number, "", f"row {number}", {}, {}, None, raw)
    row = {name: value for name, value in raw.items() if name != SURPLUS}
    study_id = "".join(one if one.isprintable() else "\ufffd" for one in _shown(row.get("study_id", "")))
    identity = study_id or json.dumps(row, sort_keys=True)
    extra = {name: value for name, value in row.items() if name not in KNOWN_COLUMNS and value}
    try:
        if SURPLUS in raw:
            raise IntakeError("the row has more fields than the header: quote the value that holds a comma")
        _check_characters(row)
        if identity in seen:
            raise IntakeError(f"the study id {study_id} occurs twice" if study_id else "the row occurs twice")
        seen.add(identity)
        facts, remarks = _facts(row)
        extra, refused = _without_unread(extra)
        reader = _reader(folder, row, facts)
        return StudyEntry(number, study_id, identity, facts, extra, reader, remarks=(*remarks, *refused))
    except CasebindError as error:
        return StudyEntry(number, study_id, identity, {}, {}, None, str(error))


def _check_characters(row: dict[str, str]) -> None:
    """Raise IntakeError where a cell holds a NUL, or bytes that are no UTF-8."""
    for name, value in row.items():
        if "\0" in value:
            raise IntakeError(f"its {name} holds a NUL character: write the cell again")
        if value != _shown(value):
            raise IntakeError(f"its {name} holds bytes that are no UTF-8: save the table as CSV (UTF-8)")
    for name in IDS:
        if len(row.get(name, "")) > MAX_ID or not row.get(name, "").isprintable():
            raise IntakeError(
                f"its {name} holds a line break or an invisible character, or more than {MAX_ID} characters: name it "
                "anew"
            )


def _shown(value: str) -> str:
    """Return a cell as it can be printed and stored: each byte that is no UTF-8 becomes a mark."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "\ufffd")


def _facts(row: dict[str, str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the typed facts of a row, blank and unreadable cells left out, and the remarks on its cells."""
    if row["modality"] not in MODALITIES:
        raise IntakeError(f"the modality is '{brief(row['modality'])}': use {', '.join(MODALITIES)}")
    facts: dict[str, Any] = {
        name: row[name]
        for name in ("modality", "patient_id", "encounter_id", "report", "label_source", "licence", "attribution")
        if row.get(name)
    }
    read = {name: fact_of(row[name]) for name, fact_of in OPTIONAL.items() if row.get(name)}
    facts |= {name: fact.value for name, fact in read.items() if fact.value is not None}
    if row.get("labels"):
        facts["labels"] = [label.strip() for label in row["labels"].split(";") if label.strip()]
    if row.get("consent"):
        facts["consent"] = consent_of(row["consent"])
    remarks = [fact.remark for fact in read.values() if fact.remark]
    if row.get("synthetic"):
        word = row["synthetic"].lower()
        if word in (*YES, *NO):
            facts["synthetic"] = word in YES
        else:
            remarks.append(f"the cell synthetic says '{brief(row['synthetic'])}', neither yes nor no, and is left out")
    return facts, tuple(remarks)


def _without_unread(extra: dict[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the further columns without reference findings that cannot be read, and why those are left out."""
    if reference.COLUMN not in extra:
        return extra, ()
    try:
        reference.from_text(extra[reference.COLUMN])
    except UsageError as error:
        rest = {name: value for name, value in extra.items() if name != reference.COLUMN}
        return rest, (f"the cell {reference.COLUMN} is left out: {error}",)
    return extra, ()


def consent_of(text: str) -> dict[str, bool]:
    """Read a consent cell: yes, no, or the granted scopes joined by ";".

    Lists of before there were scopes for teaching and federation leave them open: `no-teaching` withdraws one.
    """
    word = text.strip().lower()
    if word in YES or word in NO:
        return dict.fromkeys(SCOPES, word in YES)
    listed = {scope.strip() for scope in word.split(";") if scope.strip()}
    denied = {f"{DENIED}{scope}" for scope in LATER}
    if listed - {*SCOPES, *denied}:
        raise IntakeError(f"the consent is '{text}': use yes, no, or {';'.join(SCOPES)}")
    stated = {scope: scope in listed for scope in SCOPES if scope not in LATER}
    spoken_of = [scope for scope in LATER if listed & {scope, f"{DENIED}{scope}"}]
    return {**stated, **{scope: f"{DENIED}{scope}" not in listed for scope in spoken_of}}


def _reader(folder: Path, row: dict[str, str], facts: dict[str, Any]) -> Callable[[bytes], Study]:
    names = [name.strip() for name in row["file"].split(";") if name.strip()]
    paths = [inside(folder, _meant(folder, name), name) for name in names]
    if not paths and not (spec_of(row["modality"]).content is Note and row.get("report")):
        raise IntakeError("the row names no file")
    answers = Answers(fs=facts.get("fs"), units=facts.get("units"))
    spacing = facts.pop("spacing_mm", None)

    def read(key: bytes) -> Study:
        study = read_files(paths, row["modality"], answers, key, report=row.get("report", ""), folder=folder)
        return study if spacing is None else _spaced(study, spacing)

    return read


def _spaced(study: Study, spacing_mm: tuple[float, float]) -> Study:
    """Return the study of a film with the distance of its pixels, where its file says none."""
    film = study.content
    if not isinstance(film, Film) or film.spacing_mm is not None:
        return study
    return replace(study, content=replace(film, spacing_mm=spacing_mm))


def _meant(folder: Path, name: str) -> Path:
    r"""Return the path of a file cell: as it stands, or as Windows writes it (films\a.png) where nothing is there."""
    stands = folder / name
    return folder / name.replace("\\", "/") if "\\" in name and not os.path.lexists(stands) else stands


def read_files(
    paths: list[Path], modality: str, answers: Answers, key: bytes, *, report: str = "", folder: Path | None = None
) -> Study:
    """Read the files of one study of a stated modality; a text may come from a .txt file or from `report`.

    folder : what neither a named file nor one that belongs to it may lie outside of
    """
    from engine.intake.read import read_text

    if spec_of(modality).content is Note:
        return read_text(_text(paths) if paths else report)
    asked = modality if spec_of(modality).content is Trace else None
    study = read_paths(paths, replace(answers, modality=asked), key, folder=folder)
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
