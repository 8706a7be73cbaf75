"""Admissions of MIMIC-IV (2.2 and later) with what outcomes are asked of, and the films and ECGs connected to each.

Read: hosp/admissions, hosp/patients, hosp/diagnoses_icd and hosp/d_icd_diagnoses; note/discharge of MIMIC-IV-Note and
ed/edstays with ed/triage of MIMIC-IV-ED where they are there; each .csv or .csv.gz.

Outcomes by MEDBind (section 3.1, "MIMIC-IV"): death in hospital by discharge_location; readmission where a patient's
next admittime lies within 30 days of the discharge. Who died or was sent to another acute hospital cannot be
readmitted, and is not asked about it.

A recording is connected by hadm_id: its own where its table has one, else that of the admission during which it was
made; where there is none, to an admission that lies within 24 hours. What was made after the discharge is left out,
since it would tell that somebody lived or came back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from engine.datasets.mimic.hospital import Hospital, Stay
from engine.datasets.mimic.notes import discharge_notes
from engine.datasets.recording import Recording
from engine.datasets.toolbox import find_file, number, rows, split_of

NEAR = timedelta(hours=24)
RETURN = timedelta(days=30)
DIED, OTHER_HOSPITAL = "DIED", "ACUTE HOSPITAL"
DESCRIBED = ("admission_type", "admission_location", "insurance", "language", "marital_status", "race")
MEASURED = ("temperature", "heartrate", "resprate", "o2sat", "sbp", "dbp", "acuity")  # of triage
TITLES = 12  # of earlier diagnoses that are kept, the newest first


@dataclass(frozen=True)
class Admission:
    """One admission.

    start, end    : from registration in the emergency department, where there was one, to discharge
    described     : columns of DESCRIBED that are known at the beginning
    measured      : columns of MEASURED, from triage, as published (°F, per minute, %, mmHg)
    complaint     : chief complaint at triage
    earlier       : titles of diagnoses of the patient's earlier admissions
    diagnoses     : titles of this one's, coded after discharge
    note          : what is kept of the discharge summary; "" where there is none
    died          : in hospital            readmitted : within 30 days; None where it is not asked
    films, ecgs   : connected recordings, in the order of their time
    """

    hadm_id: str
    patient_id: str
    split: str
    start: datetime
    end: datetime
    age: float | None
    sex: str
    described: dict[str, str]
    died: bool
    readmitted: bool | None
    measured: dict[str, float] = field(default_factory=dict)
    complaint: str = ""
    earlier: tuple[str, ...] = ()
    diagnoses: tuple[str, ...] = ()
    note: str = ""
    films: tuple[Recording, ...] = ()
    ecgs: tuple[Recording, ...] = ()


@dataclass(frozen=True)
class Sources:
    """The folders of MIMIC-IV, MIMIC-IV-Note and MIMIC-IV-ED (None where it is not at hand), and the recordings."""

    hospital: Path
    notes: Path | None
    emergency: Path | None
    films: Sequence[Recording]
    ecgs: Sequence[Recording]


def read_admissions(sources: Sources, known: Hospital) -> list[Admission]:
    """Return every admission whose times are known, by patient and time; UsageError where a table is damaged."""
    titles, triage = _diagnoses(sources.hospital), _triage(sources.emergency)
    notes = discharge_notes(sources.notes) if sources.notes else {}
    listed = _listed(sources.hospital)
    films, ecgs = connected(sources.films, known), connected(sources.ecgs, known)
    splits = {one.patient_id: one.split for one in sources.films}
    made = []
    for patient, stays in sorted(known.stays.items()):
        held = [(stay, listed[stay.hadm_id]) for stay in stays if stay.hadm_id in listed]
        again = returned([stay for stay, _ in held], {stay.hadm_id: row for stay, row in held})
        earlier: tuple[str, ...] = ()
        for stay, row in held:
            measured, complaint = triage.get(stay.hadm_id, ({}, ""))
            made.append(
                Admission(
                    stay.hadm_id,
                    patient,
                    splits.get(patient) or split_of(patient),
                    stay.start,
                    stay.end,
                    _age(known, patient, stay),
                    known.sex.get(patient, ""),
                    {name: row.get(name, "") for name in DESCRIBED},
                    has_died(row),
                    again[stay.hadm_id],
                    measured,
                    complaint,
                    earlier[:TITLES],
                    titles.get(stay.hadm_id, ()),
                    notes.get(stay.hadm_id, ""),
                    films.get(stay.hadm_id, ()),
                    ecgs.get(stay.hadm_id, ()),
                )
            )
            earlier = tuple(dict.fromkeys((*titles.get(stay.hadm_id, ()), *earlier)))
    return made


def has_died(row: Mapping[str, str]) -> bool:
    """Say whether an admission ended by death in hospital: by discharge_location, or by hospital_expire_flag."""
    return row["discharge_location"].upper() == DIED or row.get("hospital_expire_flag") == "1"


def returned(stays: Sequence[Stay], listed: Mapping[str, Mapping[str, str]]) -> dict[str, bool | None]:
    """Return hadm_id → whether the patient was admitted again within 30 days; None where that is not asked.

    stays : of one patient, in the order of their start
    """
    again: dict[str, bool | None] = {stay.hadm_id: False for stay in stays}
    for stay, following in pairwise(stays):
        admitted = datetime.fromisoformat(listed[following.hadm_id]["admittime"])
        again[stay.hadm_id] = timedelta() <= admitted - stay.end <= RETURN
    for stay in stays:
        row = listed[stay.hadm_id]
        if has_died(row) or row["discharge_location"].upper() == OTHER_HOSPITAL:
            again[stay.hadm_id] = None
    return again


def connected(recordings: Iterable[Recording], known: Hospital) -> dict[str, tuple[Recording, ...]]:
    """Return hadm_id → its recordings in the order of their time, by the module's rule."""
    found: dict[str, list[Recording]] = defaultdict(list)
    for one in recordings:
        if not one.acquired_at:
            continue
        stay = admission_of(one, known)
        if stay is not None and datetime.fromisoformat(one.acquired_at) <= stay.end:
            found[stay.hadm_id].append(one)
    return {name: tuple(sorted(mine, key=lambda r: (r.acquired_at, r.study_id))) for name, mine in found.items()}


def admission_of(recording: Recording, known: Hospital) -> Stay | None:
    """Return the admission that a recording belongs to, None where it belongs to none."""
    stays, time = known.stays.get(recording.patient_id, []), datetime.fromisoformat(recording.acquired_at)
    wanted = recording.source.get("hadm_id") or known.hadm_id(recording.patient_id, time)
    if wanted:
        return next((stay for stay in stays if stay.hadm_id == wanted), None)
    near = [(max(stay.start - time, time - stay.end), stay) for stay in stays]
    near = [(apart, stay) for apart, stay in near if apart <= NEAR]
    return min(near, key=lambda pair: (pair[0], pair[1].hadm_id))[1] if near else None


def drawn_split(admission: Admission) -> Admission:
    """Return an admission in the fixed split that its patient's pseudonym draws: 70, 10 and 20 %."""
    return replace(admission, split=split_of(admission.patient_id))


def _listed(folder: Path) -> dict[str, dict[str, str]]:
    """Return hadm_id → its row of admissions.csv."""
    wanted = ("subject_id", "hadm_id", "admittime", "dischtime", "admission_type", "discharge_location")
    return {row["hadm_id"]: row for row in rows(folder / "hosp", "admissions.csv", wanted)}


def _age(known: Hospital, patient: str, stay: Stay) -> float | None:
    born = known.born.get(patient)
    return None if born is None else stay.start.year - born


def _diagnoses(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return hadm_id → titles of its diagnoses in the order of their sequence; codes where a title is not published."""
    columns = ("icd_code", "icd_version", "long_title")
    titles = {
        (row["icd_code"], row["icd_version"]): row["long_title"]
        for row in rows(folder / "hosp", "d_icd_diagnoses.csv", columns)
    }
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in rows(folder / "hosp", "diagnoses_icd.csv", ("hadm_id", "seq_num", "icd_code", "icd_version")):
        title = titles.get((row["icd_code"], row["icd_version"]), row["icd_code"])
        found[row["hadm_id"]].append((number(row["seq_num"]) or 0.0, title))
    return {name: tuple(title for _, title in sorted(mine)) for name, mine in found.items()}


def _triage(folder: Path | None) -> dict[str, tuple[dict[str, float], str]]:
    """Return hadm_id → what was measured at triage, and the chief complaint; the latest visit where there are two."""
    if folder is None or find_file(folder / "ed", "triage.csv") is None:
        return {}
    seen = {
        row["stay_id"]: (dict(_measured(row)), row["chiefcomplaint"])
        for row in rows(folder / "ed", "triage.csv", ("stay_id", "chiefcomplaint", *MEASURED))
    }
    visits = rows(folder / "ed", "edstays.csv", ("hadm_id", "stay_id", "intime"))
    ordered = sorted((row["intime"], row["hadm_id"], row["stay_id"]) for row in visits if row["hadm_id"])
    return {hadm_id: seen[stay_id] for _, hadm_id, stay_id in ordered if stay_id in seen}


def _measured(row: Mapping[str, str]) -> Iterable[tuple[str, float]]:
    for name in MEASURED:
        value = number(row[name])
        if value is not None:
            yield name, value
