"""The folder of a known data set as entries to take in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.study import Study
from engine.workspace.manifest import StudyEntry

if TYPE_CHECKING:
    from engine.datasets.recording import Recording


def read_dataset(path: Path, split: str | None, *, complete: bool = True) -> list[StudyEntry]:
    """Return one entry per recording of the data sets in a folder, of one split or of all; UsageError as `collect`.

    complete : whether every recording of the tables is expected; otherwise those without their files are left out
    """
    from engine.datasets.adapters import collect

    listed = collect([path], split)
    chosen = listed if complete else [one for one in listed if all(file.is_file() for file in _files(one))]
    return [_entry(number, recording) for number, recording in enumerate(chosen, start=1)]


def _files(recording: Recording) -> list[Path]:
    """Return the files that hold a recording."""
    named = [value if isinstance(value, list) else [value] for value in recording.source.values()]
    return [file for files in named for file in files if isinstance(file, Path)]


def _entry(number: int, recording: Recording) -> StudyEntry:
    from engine.datasets.recording import NOTHING, attribution_of

    known = {name: value for name, value in recording.facts().items() if value not in NOTHING}
    extra = {"dataset": recording.dataset, "split": recording.split, **recording.extra}
    if "heart_rate" in known:
        extra["heart_rate"] = str(known.pop("heart_rate"))
    if recording.pair:
        extra["pair"] = recording.pair
    facts = {
        **known,
        "patient_id": recording.patient_id,
        "encounter_id": recording.encounter_id,
        "attribution": recording.attribution or attribution_of(recording.dataset),
    }

    def read(key: bytes) -> Study:
        return with_fingerprint(recording.study(key))

    return StudyEntry(number, recording.study_id, recording.study_id, facts, extra, read)


def with_fingerprint(study: Study) -> Study:
    """Return the study with the fingerprint that intake would give its content."""
    from engine.study import fingerprint

    return study if study.fingerprint else replace(study, fingerprint=fingerprint(study.content))
