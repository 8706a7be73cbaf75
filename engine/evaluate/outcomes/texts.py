"""What the language model reads of an admission, by task.

Death in hospital: what is known at the beginning, so nothing of the discharge: neither the summary nor this
admission's diagnoses, which are coded afterwards (section 3.4: "We excluded discharge texts"). Readmission: the
discharge summary. Numbers of triage are read by the logistic regressions alone; race and language by nobody.
"""

from __future__ import annotations

from engine.datasets.mimic.admissions import Admission
from engine.datasets.recording import Recording
from engine.datasets.toolbox import read_report

READMISSION, MORTALITY = "readmission", "mortality"
TASKS = (READMISSION, MORTALITY)
PERSON = {"F": "woman", "M": "man"}
SHOWN = ("admission_type", "admission_location", "insurance", "marital_status")


def text_of(admission: Admission, task: str) -> str:
    """Return the medical text of an admission for a task; words that a task may not know are never in it."""
    return _on_discharge(admission) if task == READMISSION else _on_admission(admission)


def recordings_of(admission: Admission, task: str) -> tuple[Recording | None, Recording | None]:
    """Return the film and the ECG that are read: the last ones before a discharge, the first ones of a stay."""
    place = -1 if task == READMISSION else 0
    return tuple(held[place] if held else None for held in (admission.films, admission.ecgs))  # type: ignore[return-value]


def reports_of(film: Recording | None, ecg: Recording | None) -> str:
    """Return what was read from film and ECG by people or the machine, in words; "" where nothing was."""
    said = [("Chest film", film), ("ECG", ecg)]
    return " ".join(f"{name}: {words}" for name, one in said if one is not None and (words := _report(one)))


def _report(recording: Recording) -> str:
    file = recording.source.get("report")
    return read_report(file) if not recording.report and file is not None and file.is_file() else recording.report


def _on_admission(admission: Admission) -> str:
    age = "" if admission.age is None else f"{admission.age:.0f}-year-old "
    said = [f"{age}{PERSON.get(admission.sex, 'person')}."]
    told = (admission.described.get(name, "") for name in SHOWN)
    said += [f"{words.rstrip('.').capitalize()}." for words in told if words]
    if admission.complaint:
        said.append(f"Chief complaint: {admission.complaint}.")
    if admission.earlier:
        said.append(f"History: {'; '.join(admission.earlier)}.")
    return " ".join(said)


def _on_discharge(admission: Admission) -> str:
    if admission.note:
        return admission.note
    return f"Discharge diagnosis: {'; '.join(admission.diagnoses)}." if admission.diagnoses else "No summary."
