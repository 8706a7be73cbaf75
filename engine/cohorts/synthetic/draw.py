"""Stand-in until the documented prior is in place: plausible encounters for the other generators to work with."""

from __future__ import annotations

import numpy as np

from engine.cohorts.synthetic.patients import Encounter, Patient

STAGE = ("Normal blood pressure", "Prehypertension", "Stage 1 hypertension", "Stage 2 hypertension")
MIX = (
    ("normal", ("No Finding",), ("normal ECG", "sinus rhythm"), 70),
    ("trained heart", ("No Finding",), ("normal ECG", "sinus bradycardia"), 50),
    ("hypertension", ("Cardiomegaly",), ("left ventricular hypertrophy", "sinus rhythm"), 74),
    ("atrial fibrillation", ("Cardiomegaly",), ("atrial fibrillation",), 90),
    ("heart failure", ("Cardiomegaly", "Pleural Effusion"), ("complete left bundle branch block", "sinus rhythm"), 86),
    ("old anteroseptal infarction", ("No Finding",), ("anteroseptal myocardial infarction", "sinus rhythm"), 72),
    ("old inferior infarction", ("No Finding",), ("inferior myocardial infarction", "sinus rhythm"), 68),
    ("right bundle branch block", ("No Finding",), ("complete right bundle branch block", "sinus rhythm"), 72),
    ("incomplete RBBB", ("No Finding",), ("incomplete right bundle branch block", "sinus rhythm"), 72),
    ("left anterior fascicular block", ("No Finding",), ("left anterior fascicular block", "sinus rhythm"), 72),
    ("first degree AV block", ("No Finding",), ("first degree AV block", "sinus rhythm"), 64),
    ("ventricular premature complexes", ("No Finding",), ("ventricular premature complex", "sinus rhythm"), 72),
    ("T changes", ("No Finding",), ("non-diagnostic T abnormalities", "sinus rhythm"), 72),
    ("ischaemia", ("No Finding",), ("non-specific ischemic", "sinus rhythm"), 72),
    ("sinus arrhythmia", ("No Finding",), ("normal ECG", "sinus arrhythmia"), 66),
    ("pneumonia", ("Pneumonia", "Lung Opacity"), ("normal ECG", "sinus tachycardia"), 108),
)


def draw_all(n: int, seed: int) -> list[Patient]:
    """Return n patients of one encounter each."""
    rng = np.random.default_rng(seed)
    patients = []
    for i in range(n):
        name, film, ecg, rate = MIX[i % len(MIX)]
        age, sex = int(rng.integers(25, 88)), "FM"[int(rng.integers(2))]
        systolic = float(np.clip(rng.normal(110 + 0.4 * age, 14), 92, 190))
        stage = STAGE[int(np.searchsorted([120, 140, 160], systolic, side="right"))]
        ppg = (stage, "atrial fibrillation") if "atrial fibrillation" in ecg else (stage,)
        encounter = Encounter(
            i + 1, 1, (name,), age, sex, 170.0, 75.0, float(rng.normal(rate, 5)), float(rng.normal(16, 2)), systolic,
            systolic * 0.62, 97.0, film, "PA", ecg, ppg, True, "2031-03-04T10:00:00")
        patients.append(Patient(i + 1, sex, (encounter,)))
    return patients
