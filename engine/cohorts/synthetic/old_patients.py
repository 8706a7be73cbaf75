"""Patients of the synthetic cohort: a condition from a small prior, then age, sex, heart rate and blood pressure.

The prior is a teaching mix, not an epidemiological one: every condition is met often enough to have neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Condition:
    """One clinical picture and how it shows in every modality.

    share      : prior probability
    age        : mean and standard deviation, years
    rate       : mean and standard deviation of the heart rate, beats per minute
    film       : alternatives of CheXpert-14 labels for the film, each with equal chance
    ecg        : labels in PTB-XL's wording; they select the morphology in ecg.py
    pressures  : blood-pressure stages (PPG-BP's wording), each with equal chance
    rhythm     : the sentence about the ECG in the report
    """

    name: str
    share: float
    age: tuple[float, float]
    rate: tuple[float, float]
    film: tuple[tuple[str, ...], ...]
    ecg: tuple[str, ...]
    pressures: tuple[str, ...]
    rhythm: str


NORMAL_BP, RAISED_BP = "Normal blood pressure", "Prehypertension"
STAGE_1, STAGE_2 = "Stage 1 hypertension", "Stage 2 hypertension"
CLEAR = ("No Finding",)
BIG_HEART = ("Cardiomegaly",)
WET = ("Cardiomegaly", "Pleural Effusion")

CONDITIONS: tuple[Condition, ...] = (
    Condition("healthy", 0.24, (42, 14), (70, 8), (CLEAR,), ("normal ECG", "sinus rhythm"),
              (NORMAL_BP, NORMAL_BP, RAISED_BP), "Normal ECG in sinus rhythm"),
    Condition("trained heart", 0.06, (29, 7), (50, 4), (CLEAR,), ("normal ECG", "sinus bradycardia"),
              (NORMAL_BP,), "Sinus bradycardia, otherwise normal ECG"),
    Condition("hypertensive heart", 0.11, (66, 10), (74, 9), (BIG_HEART, BIG_HEART, CLEAR),
              ("left ventricular hypertrophy", "sinus rhythm"), (STAGE_1, STAGE_2),
              "Sinus rhythm with voltages of left ventricular hypertrophy"),
    Condition("atrial fibrillation", 0.12, (73, 9), (92, 14), (BIG_HEART, WET, CLEAR), ("atrial fibrillation",),
              (RAISED_BP, STAGE_1, STAGE_2), "Atrial fibrillation, irregular ventricular response"),
    Condition("heart failure", 0.10, (70, 10), (86, 9), (WET, (*BIG_HEART, "Edema"), ("Edema", "Pleural Effusion")),
              ("complete left bundle branch block", "sinus rhythm"), (RAISED_BP, STAGE_1),
              "Sinus rhythm with complete left bundle branch block"),
    Condition("old anteroseptal infarction", 0.08, (65, 9), (72, 8), (CLEAR, BIG_HEART),
              ("anteroseptal myocardial infarction", "sinus rhythm"), (RAISED_BP, STAGE_1),
              "Sinus rhythm, Q waves V1 to V3 as after anteroseptal infarction"),
    Condition("old inferior infarction", 0.06, (64, 9), (68, 8), (CLEAR, BIG_HEART),
              ("inferior myocardial infarction", "sinus rhythm"), (RAISED_BP, STAGE_1),
              "Sinus rhythm, inferior Q waves as after inferior infarction"),
    Condition("pneumonia", 0.11, (55, 17), (110, 7),
              (("Pneumonia", "Lung Opacity"), ("Consolidation", "Pneumonia"), ("Pleural Effusion", "Pneumonia")),
              ("normal ECG", "sinus tachycardia"), (NORMAL_BP, RAISED_BP), "Sinus tachycardia"),
    Condition("pneumothorax", 0.04, (38, 15), (106, 6), (("Pneumothorax",),), ("normal ECG", "sinus tachycardia"),
              (NORMAL_BP,), "Sinus tachycardia"),
    Condition("lung nodule", 0.04, (63, 10), (76, 9), (("Lung Lesion",),), ("normal ECG", "sinus rhythm"),
              (NORMAL_BP, RAISED_BP), "Normal ECG in sinus rhythm"),
    Condition("right bundle branch block", 0.04, (68, 11), (72, 8), (("Atelectasis",), CLEAR),
              ("complete right bundle branch block", "sinus rhythm"), (RAISED_BP, STAGE_1),
              "Sinus rhythm with complete right bundle branch block"),
)

AGE_LIMITS = (18.0, 90.0)  # years; the cohort holds adults only
PPG_SHARE = 0.85  # the rest came without a wearable


@dataclass(frozen=True)
class Patient:
    """One invented person; `number` counts from 1 and makes every identifier.

    rate_bpm : mean heart rate of the recording, beats per minute
    """

    number: int
    condition: Condition
    age: int
    sex: str
    rate_bpm: float
    film: tuple[str, ...]
    pressure: str
    has_ppg: bool

    @property
    def patient_id(self) -> str:
        """Pseudonym, e.g. syn-0007."""
        return f"syn-{self.number:04d}"


def draw_patients(n: int, rng: np.random.Generator) -> list[Patient]:
    """Return n patients; conditions by systematic sampling of the prior, so that even small n meets its shares."""
    shares = np.array([c.share for c in CONDITIONS])
    levels = (np.arange(n) + rng.random()) / n * shares.sum()
    picks = rng.permutation(np.searchsorted(np.cumsum(shares), levels))
    return [_draw_patient(i + 1, CONDITIONS[pick], rng) for i, pick in enumerate(picks)]


def _draw_patient(number: int, condition: Condition, rng: np.random.Generator) -> Patient:
    return Patient(
        number=number,
        condition=condition,
        age=round(float(np.clip(rng.normal(*condition.age), *AGE_LIMITS))),
        sex="FM"[int(rng.integers(2))],
        rate_bpm=float(np.clip(rng.normal(*condition.rate), 42, 135)),
        film=condition.film[int(rng.integers(len(condition.film)))],
        pressure=condition.pressures[int(rng.integers(len(condition.pressures)))],
        has_ppg=bool(rng.random() < PPG_SHARE),
    )
