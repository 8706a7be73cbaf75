"""Write the cohort as files with a manifest.csv in Casebind's own layout."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.cohorts.synthetic import films
from engine.cohorts.synthetic import old_ecg as ecg
from engine.cohorts.synthetic.old_patients import Patient, draw_patients
from engine.cohorts.synthetic.old_reports import report
from engine.cohorts.synthetic.traces import PPG_FS, beat_times, ppg_signal
from engine.errors import UsageError
from engine.intake.quality import judge
from engine.study import ECG_LEADS, PPG_LEAD, Film, Study

if TYPE_CHECKING:
    import torch

COLUMNS = ("file", "modality", "study_id", "patient_id", "encounter_id", "age", "sex", "view", "labels", "report", "fs",
           "units", "leads", "consent", "synthetic", "label_source", "licence")
LICENCE = "CC0 1.0 (synthetic, for demonstration only)"
CONSENT = "retrieval;training"
PPG_SCALE, PPG_OFFSET = 400, 512  # stored as whole numbers, as a 10-bit sensor would
JPEG_QUALITY = 88
COPY_LIMIT = 0.20  # a film nearer than this to a training film is drawn again; real films lie at 0.33 or more

DRAWS = 24
GATE_MEASURE, GATE_TARGET = "distance from chest films", 1.5  # the gate refuses films beyond 1.6

Row = dict[str, str]


def patient_rng(seed: int, number: int, part: int) -> np.random.Generator:
    """Return the generator of one part (0 traces, 1 film, 2 report) of one patient: parts never shift each other."""
    return np.random.default_rng([seed, number, part])


def write_traces(patients: Sequence[Patient], folder: Path, seed: int) -> list[Row]:
    """Write every patient's ECG (WFDB, format 212) and PPG (CSV) under folder; return their manifest rows."""
    (folder / "ecg").mkdir(parents=True, exist_ok=True)
    (folder / "ppg").mkdir(parents=True, exist_ok=True)
    rows = []
    for patient in patients:
        rng = patient_rng(seed, patient.number, 0)
        beats = beat_times(patient, rng)
        rows.append(_write_ecg(patient, ecg.ecg_signal(patient, beats, rng), folder))
        pulse = ppg_signal(patient, beats, rng)
        if patient.has_ppg:
            rows.append(_write_ppg(patient, pulse, folder))
    return rows


def _write_ecg(patient: Patient, samples: np.ndarray, folder: Path) -> Row:
    import wfdb

    wfdb.wrsamp(patient.patient_id, fs=ecg.ECG_FS, units=["mV"] * 12, sig_name=list(ECG_LEADS), fmt=["212"] * 12,
                d_signal=samples.T.astype(np.int64), adc_gain=[float(ecg.GAIN)] * 12, baseline=[0] * 12,
                comments=["synthetic, for demonstration only"], write_dir=str(folder / "ecg"))
    stem = f"ecg/{patient.patient_id}"
    return _row(patient, "ecg", f"{stem}.hea;{stem}.dat", patient.condition.ecg, fs=f"{ecg.ECG_FS:g}", units="mV",
                leads=";".join(ECG_LEADS))


def _write_ppg(patient: Patient, pulse: np.ndarray, folder: Path) -> Row:
    name = f"ppg/{patient.patient_id}.csv"
    values = np.round(PPG_OFFSET + PPG_SCALE * (pulse - pulse.mean())).astype(int)
    (folder / name).write_text("\n".join([PPG_LEAD, *map(str, values)]) + "\n", encoding="utf-8")
    labels = (patient.pressure, *(label for label in patient.condition.ecg if label == "atrial fibrillation"))
    return _row(patient, "ppg", name, labels, fs=f"{PPG_FS:g}", units="au", leads=PPG_LEAD)


def write_reports(patients: Sequence[Patient], folder: Path, seed: int) -> list[Row]:
    """Write one text file a patient; return the manifest rows."""
    (folder / "text").mkdir(parents=True, exist_ok=True)
    rows = []
    for patient in patients:
        text = report(patient, patient_rng(seed, patient.number, 2))
        name = f"text/{patient.patient_id}.txt"
        (folder / name).write_text(text + "\n", encoding="utf-8")
        rows.append(_row(patient, "text", name, (*patient.film, *patient.condition.ecg), report=text))
    return rows


def write_films(patients: Sequence[Patient], folder: Path, seed: int, recordings: Path) -> list[Row]:
    """Fit the film model on the open films of `recordings`, write one JPEG a patient; return the manifest rows."""
    (folder / "cxr").mkdir(parents=True, exist_ok=True)
    training, table = films.load_films(recordings)
    model, known = films.fit(training, table), films.standardise(training)
    rows = []
    for patient in patients:
        rng = patient_rng(seed, patient.number, 1)
        view = "AP" if rng.random() < 0.25 else "PA"
        given = films.features(";".join(patient.film), view, patient.age, patient.sex)
        pixels = _draw_film(model, given, known, rng)
        name = f"cxr/{patient.patient_id}.jpg"
        Image.fromarray(pixels).save(folder / name, quality=JPEG_QUALITY, optimize=True)
        rows.append(_row(patient, "cxr", name, patient.film, view=view))
    return rows


def _draw_film(
    model: films.FilmModel, given: np.ndarray, known: torch.Tensor, rng: np.random.Generator
) -> np.ndarray:
    """Return the first draw that is no copy and well inside the quality gate, else the best of DRAWS."""
    best, best_distance = None, np.inf
    for _ in range(DRAWS):
        pixels = films.sample(model, given, rng)
        if films.nearest_distance(pixels, known) < COPY_LIMIT:
            continue
        verdict = judge(Study("cxr", Film(pixels, 8), "synthetic film"))
        distance = next(m.value for m in verdict.measures if m.name == GATE_MEASURE)
        if best is None or distance < best_distance:
            best, best_distance = pixels, distance
        if best_distance < GATE_TARGET:
            break
    if best is None:
        raise UsageError(f"All of {DRAWS} drawn films were copies of training films: fit the model on more films.")
    return best


def write_cohort(folder: Path, recordings: Path, *, n: int = 120, seed: int = 7) -> Path:
    """Write n patients with everything they have under folder; return the manifest's path."""
    patients = draw_patients(n, np.random.default_rng(seed))
    rows = write_traces(patients, folder, seed) + write_reports(patients, folder, seed)
    rows += write_films(patients, folder, seed, recordings)
    return write_manifest(rows, folder)


def write_manifest(rows: Sequence[Row], folder: Path) -> Path:
    """Write manifest.csv, sorted by study, and return its path."""
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["study_id"]))
    return path


def _row(patient: Patient, modality: str, file: str, labels: tuple[str, ...], **more: str) -> Row:
    return {
        "file": file, "modality": modality, "study_id": f"{patient.patient_id}-{modality}",
        "patient_id": patient.patient_id, "encounter_id": f"{patient.patient_id}-e1", "age": str(patient.age),
        "sex": patient.sex, "labels": ";".join(labels), "consent": CONSENT, "synthetic": "true",
        "label_source": "generated", "licence": LICENCE,
    } | more
