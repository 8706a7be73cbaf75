"""MIMIC-PAIR by MEDBind's rule (section 3.1, "MIMIC-IV"): films and ECGs of one visit.

"We linked MIMIC-CXR and MIMIC-ECG … by linking visit identifiers (hadm_id) in MIMIC-CXR and MIMIC-ECG if available.
Without hadm_id, we paired cases on subject_id and if CXR and ECG recording times were within 24 hours."

Neither set carries hadm_id: a recording has that of the admission during which it was made. So: the same hadm_id; where
one or both have none, the same patient within 24 hours; two different admissions never. The paper does not say what it
does with several films or ECGs of a visit: here each is paired at most once, nearest in time first, since EMCL (eq. 2)
takes one partner as the positive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.datasets.mimic.hospital import Hospital
from engine.datasets.recording import Recording

APART_S = 24 * 3600.0
EMPTY_HOSPITAL = Hospital({}, {}, {})
FILMS, ECGS = "MIMIC-CXR", "MIMIC-IV-ECG"


@dataclass(frozen=True)
class TimedRecording:
    """A recording with its time and the admission it was made in ("" for none)."""

    recording: Recording
    time: datetime
    hadm_id: str


def link(recordings: Sequence[Recording], hospital: Hospital = EMPTY_HOSPITAL) -> list[Recording]:
    """Return the recordings in their order, those of MIMIC with age, sex, split, encounter and pair filled in."""
    splits = {one.patient_id: one.split for one in recordings if one.dataset == FILMS}
    told = [_with_facts(one, hospital, splits) if one.dataset in (FILMS, ECGS) else one for one in recordings]
    timed = {one.study_id: _timed(one, hospital) for one in told if one.dataset in (FILMS, ECGS) and one.acquired_at}
    encounters = {name: f"mimic-hadm-{one.hadm_id}" for name, one in timed.items() if one.hadm_id}
    pairs = {}
    for film, ecg in paired(timed.values()):
        pairs[film.study_id] = pairs[ecg.study_id] = ecg.study_id
        shared = encounters.get(film.study_id) or encounters.get(ecg.study_id) or film.encounter_id
        encounters[film.study_id] = encounters[ecg.study_id] = shared
    return [
        replace(one, pair=pairs.get(one.study_id, ""), encounter_id=encounters[one.study_id])
        if one.study_id in encounters
        else one
        for one in told
    ]


def paired(timed: Iterable[TimedRecording]) -> list[tuple[Recording, Recording]]:
    """Return (film, ECG) of MIMIC-PAIR, by patient, nearest in time first."""
    of_patient: dict[str, list[TimedRecording]] = defaultdict(list)
    for one in timed:
        of_patient[one.recording.patient_id].append(one)
    return [pair for _, mine in sorted(of_patient.items()) for pair in _pairs_of_patient(mine)]


def _pairs_of_patient(timed: Sequence[TimedRecording]) -> list[tuple[Recording, Recording]]:
    films = [one for one in timed if one.recording.modality == "cxr"]
    ecgs = [one for one in timed if one.recording.modality == "ecg"]
    near = sorted(
        (abs((film.time - ecg.time).total_seconds()), film.recording.study_id, ecg.recording.study_id, film, ecg)
        for film in films
        for ecg in ecgs
        if is_pair(film, ecg)
    )
    taken: set[str] = set()
    chosen = []
    for _, film_id, ecg_id, film, ecg in near:
        if not {film_id, ecg_id} & taken:
            taken |= {film_id, ecg_id}
            chosen.append((film.recording, ecg.recording))
    return chosen


def is_pair(film: TimedRecording, ecg: TimedRecording) -> bool:
    """Say whether a film and an ECG of one patient are a pair by MEDBind's rule."""
    if film.hadm_id and ecg.hadm_id:
        return film.hadm_id == ecg.hadm_id
    return abs((film.time - ecg.time).total_seconds()) <= APART_S


def _timed(recording: Recording, hospital: Hospital) -> TimedRecording:
    time = datetime.fromisoformat(recording.acquired_at)
    return TimedRecording(recording, time, hospital.hadm_id(recording.patient_id, time))


def _with_facts(recording: Recording, hospital: Hospital, splits: dict[str, str]) -> Recording:
    """Fill in age at the recording (by the year), sex, and for an ECG the split that the patient's films have."""
    born, year = hospital.born.get(recording.patient_id), recording.acquired_at[:4]
    age = float(int(year) - born) if born is not None and year.isdigit() else recording.age
    split = splits.get(recording.patient_id, recording.split) if recording.dataset == ECGS else recording.split
    return replace(recording, age=age, sex=hospital.sex.get(recording.patient_id, recording.sex), split=split)
