"""Short invented reports: a sentence on the film, one on the trace, a conclusion; wording varies by the draw."""

from __future__ import annotations

import numpy as np

from engine.cohorts.synthetic.old_patients import Patient

FILM_SENTENCES: dict[str, tuple[str, ...]] = {
    "No Finding": ("Lungs are clear, heart size is normal.", "No focal opacity, no effusion, normal heart size.",
                   "Clear lungs and a normal cardiac silhouette."),
    "Cardiomegaly": ("The heart is enlarged.", "Cardiomegaly.", "Enlarged cardiac silhouette."),
    "Pleural Effusion": ("A pleural effusion blunts the costophrenic angle.", "Pleural effusion."),
    "Edema": ("Perihilar haze and congested vessels as in pulmonary edema.", "Pulmonary edema."),
    "Pneumonia": ("Airspace opacity compatible with pneumonia.", "Pneumonia."),
    "Lung Opacity": ("Patchy opacity in the lung.", "A hazy opacity is present."),
    "Consolidation": ("Dense consolidation with air bronchograms.", "Consolidation."),
    "Atelectasis": ("Plate-like atelectasis at the base.", "Bibasal atelectasis."),
    "Pneumothorax": ("A pleural line without lung markings beyond it: pneumothorax.", "Pneumothorax."),
    "Lung Lesion": ("A solitary pulmonary nodule.", "A rounded lung lesion."),
}
OPENINGS = ("{age}-year-old {person}.", "{person}, {age} years.", "Chest film and ECG of a {age}-year-old {person}.")
PERSONS = {"F": "woman", "M": "man"}


def report(patient: Patient, rng: np.random.Generator) -> str:
    """Return the patient's report, two to five sentences of plain English."""
    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    opening = pick(OPENINGS).format(age=patient.age, person=PERSONS[patient.sex])
    film = [pick(FILM_SENTENCES[label]) for label in patient.film]
    rhythm = patient.condition.rhythm
    rhythm = f"ECG: {rhythm[0].lower()}{rhythm[1:]}, rate {patient.rate_bpm:.0f}/min."
    return " ".join([opening[0].upper() + opening[1:], *film, rhythm])
