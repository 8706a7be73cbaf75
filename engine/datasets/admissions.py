"""Admissions of MIMIC, put together from the folders of its sets wherever they are on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.datasets.adapters import EMERGENCY, HOSPITAL, NOTES, Adapter, datasets_in
from engine.datasets.mimic.admissions import Admission, Sources, read_admissions
from engine.datasets.mimic.hospital import hospital
from engine.errors import UsageError

FILMS, ECGS = "mimic-cxr-jpg", "mimic-iv-ecg"


def admissions(folders: Sequence[Path]) -> list[Admission]:
    """Return the admissions of MIMIC-IV in the folders, with their films, ECGs, triage and summaries.

    Raises UsageError, one sentence, where a folder is of no known layout, MIMIC-IV or its notes are missing, there is
    neither a film nor an ECG, or a table is missing, damaged or lacks a column.
    """
    found = [pair for folder in folders for pair in datasets_in(folder)]
    place, notes = _folder(found, HOSPITAL), _folder(found, NOTES)
    if place is None:
        raise UsageError("There is no MIMIC-IV in the folders that are named: name the one that has hosp/admissions.")
    if notes is None:
        raise UsageError("There are no discharge summaries in the folders that are named: name MIMIC-IV-Note as well.")
    listed = {
        name: [one for adapter, below in found if adapter.name == name for one in adapter.recordings(below)]
        for name in (FILMS, ECGS)
    }
    if not any(listed.values()):
        raise UsageError("There is neither a film nor an ECG to connect: name MIMIC-CXR-JPG or MIMIC-IV-ECG as well.")
    sources = Sources(place, notes, _folder(found, EMERGENCY), listed[FILMS], listed[ECGS])
    return read_admissions(sources, hospital(place))


def _folder(found: Sequence[tuple[Adapter, Path]], name: str) -> Path | None:
    """Return the first folder of that data set; a set's tables may also lie beside those of MIMIC-IV."""
    own = next((below for adapter, below in found if adapter.name == name), None)
    pattern = {NOTES: "note/discharge.csv*", EMERGENCY: "ed/edstays.csv*"}.get(name)
    beside = (below for adapter, below in found if adapter.name == HOSPITAL and pattern and any(below.glob(pattern)))
    return own or next(beside, None)
