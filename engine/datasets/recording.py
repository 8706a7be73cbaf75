"""A recording of a cohort: what its tables say of one study, and how the study itself is read when it is needed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.study import Modality, Study, Trace

DATASETS: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "datasets.toml").read_text(encoding="utf-8")
)
NOTHING: tuple[Any, ...] = (None, "", [])


def attribution_of(dataset: str, licence: str = "", source: str = "") -> str:
    """Return whom to acknowledge for a data set: as datasets.toml says.

    For one that it does not list, a sentence with the licence and source that the set's own table states.
    """
    if dataset in DATASETS:
        return DATASETS[dataset]["attribution"]
    stated = ", from ".join(part for part in (licence, source) if part) or "nothing"
    return f"{dataset}; as its table states: {stated}, since Casebind has no attribution of its own for it"


@dataclass(frozen=True)
class Recording:
    """One film or trace of a data set; its pixels or samples are read when `study()` is called.

    source      : where its samples or pixels lie, as `load` understands it
    load        : (recording, workspace key) → Study; IntakeError where the files cannot be read
    acquired_at : ISO 8601, as the data set gives it (shifted in de-identified sets), "" where it does not
    pair        : equal for recordings of different modalities that were taken together, else ""
    extra       : further facts, kept as they are
    attribution : whom to acknowledge; "" for what `attribution_of` says of the data set
    """

    study_id: str
    dataset: str
    modality: Modality
    patient_id: str
    encounter_id: str
    split: str
    labels: tuple[str, ...]
    label_source: str
    licence: str
    age: float | None
    sex: str
    view: str
    heart_rate: float | None
    report: str
    source: dict[str, Any] = field(repr=False)
    load: Callable[[Recording, bytes], Study] = field(repr=False)
    acquired_at: str = ""
    pair: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    attribution: str = ""

    def facts(self) -> dict[str, Any]:
        """Return the non-identifying facts of the tables under manifest.csv's names."""
        return {
            "acquired_at": self.acquired_at,
            "age": self.age,
            "sex": self.sex,
            "view": self.view,
            "labels": list(self.labels),
            "label_source": self.label_source,
            "licence": self.licence,
            "report": self.report,
            "heart_rate": self.heart_rate,
        }

    def study(self, key: bytes = b"") -> Study:
        """Read the recording: a Film, or a Trace in mV, au or sd; what the tables leave open, its file may say.

        key : the workspace's secret, for the identifiers inside of files; see engine.intake.read.read
        """
        study, facts = self.load(self, key), self.facts()
        stated = {name: value for name, value in facts.items() if value not in NOTHING}
        return replace(study, facts={**facts, **study.facts, **stated})

    def of_trace(self, trace: Trace) -> Study:
        """Return the study of a trace that was read without intake."""
        return Study(self.modality, trace, f"{self.dataset} {self.study_id}")
