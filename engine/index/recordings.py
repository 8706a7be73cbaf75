"""The folder of open recordings as entries to take in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.index.manifest import Entry
from engine.study import Study

if TYPE_CHECKING:
    from engine.cohorts.open_recordings import Recording


def is_recordings(path: Path) -> bool:
    """Say whether a folder has the published layout of the open recordings."""
    return all((path / part).is_file() for part in ("cxr/cxr.csv", "ecg/ecg.csv", "ppg/ppg.csv"))


def entries(path: Path, split: str | None) -> list[Entry]:
    """Return one entry per recording, of one split or of all."""
    from engine.cohorts.open_recordings import recordings

    return [_entry(number, recording) for number, recording in enumerate(recordings(path, split), start=1)]


def _entry(number: int, recording: Recording) -> Entry:
    from engine.cohorts.open_recordings import ATTRIBUTION

    known = {name: value for name, value in recording.facts().items() if value not in (None, "", [])}
    extra = {"dataset": recording.dataset, "split": recording.split}
    if "heart_rate" in known:
        extra["heart_rate"] = str(known.pop("heart_rate"))
    facts = {
        **known,
        "patient_id": recording.patient_id,
        "encounter_id": recording.encounter_id,
        "attribution": ATTRIBUTION.get(recording.dataset, recording.dataset),
    }

    def read(_: bytes) -> Study:
        return with_fingerprint(recording.study())

    return Entry(number, recording.study_id, recording.study_id, facts, extra, read)


def with_fingerprint(study: Study) -> Study:
    """Return the study with the fingerprint that intake would give its content."""
    from dataclasses import replace

    from engine.intake.fingerprint import fingerprint

    return study if study.fingerprint else replace(study, fingerprint=fingerprint(study.content))
