"""Patients of the synthetic cohort and their encounters: what every generator is given, and nothing more.

Drawn from the documented prior (prior.toml, prior.py). Nobody here exists.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from engine.synthetic.details import EcgDetails
from engine.synthetic.effects import Effects
from engine.synthetic.severity import Severity

PARTS = (
    *("prior", "person", "rhythm", "ecg", "ppg", "film", "report", "details"),
    *("severity", "other severity", "other body"),  # the control's traces follow the others
)

NO_DETAILS = EcgDetails()


@dataclass(frozen=True)
class Encounter:
    """One visit of one invented person.

    number         : from 1 within the patient; a second is a follow-up weeks to months later
    conditions     : names of prior.toml, e.g. ("heart failure", "atrial fibrillation")
    age, sex       : years; "F" or "M"
    height_cm, weight_kg
    rate_bpm       : mean heart rate of the 10 s recording, beats per minute
    respiration_bpm: breaths per minute
    systolic_mmhg, diastolic_mmhg, spo2 : blood pressure; oxygen saturation in %
    film, view     : CheXpert-14 labels; "PA" or "AP"
    ecg            : statements in PTB-XL's wording, the rhythm among them
    ppg            : wording of the open PPG sets
    has_ppg        : whether a PPG was recorded
    acquired_at    : ISO date-time, invented
    severity       : how much of each finding the film shows; None where severities are not drawn
    details        : what of the ECG its statements leave open
    effects        : what severities (of this draw, or of the control's) add to ECG and PPG
    """

    patient_number: int
    number: int
    conditions: tuple[str, ...]
    age: int
    sex: str
    height_cm: float
    weight_kg: float
    rate_bpm: float
    respiration_bpm: float
    systolic_mmhg: float
    diastolic_mmhg: float
    spo2: float
    film: tuple[str, ...]
    view: str
    ecg: tuple[str, ...]
    ppg: tuple[str, ...]
    has_ppg: bool
    acquired_at: str
    severity: Severity | None = None
    effects: Effects | None = None
    details: EcgDetails = NO_DETAILS

    @property
    def patient_id(self) -> str:
        """Pseudonym, e.g. syn-0007."""
        return f"syn-{self.patient_number:04d}"

    @property
    def encounter_id(self) -> str:
        """Pseudonym and count, e.g. syn-0007-e1."""
        return f"{self.patient_id}-e{self.number}"


@dataclass(frozen=True)
class Patient:
    """One invented person; `number` counts from 1."""

    number: int
    sex: str
    encounters: tuple[Encounter, ...]


def rng_for(seed: int, patient: int, encounter: int, part: str, redraws: int = 0) -> np.random.Generator:
    """Return the generator of one part of one encounter, so that parts, encounters and patients never shift each other.

    `part` is one of PARTS; "person" holds what stays with the patient, with encounter 0. `again` gives another draw.
    """
    if part not in PARTS:
        raise KeyError(f"no part {part!r}; parts are {', '.join(PARTS)}")
    key = [seed, patient, encounter, zlib.crc32(part.encode())]
    return np.random.default_rng([*key, redraws] if redraws else key)
