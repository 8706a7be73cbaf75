"""RSNA Pneumonia Detection Challenge 2018, stage 2 (Kaggle): NIH films, read anew by radiologists.

Read: stage_2_train_labels.csv (one row a box), stage_2_detailed_class_info.csv, stage_2_train_images/PATIENTID.dcm;
age, sex and view are in the DICOM files. Of stage_2_test_images no label is published.
The challenge's patientId is one film. Where pneumonia-challenge-dataset-mappings_2018.json (RSNA's page) lies in the
folder, the patient is the NIH's, so that two films of one person share a split; without it they may not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from engine.datasets.nih import patient_of
from engine.datasets.recording import Recording
from engine.datasets.toolbox import label_maps, recording, rows
from engine.errors import UsageError

MAPPING = "pneumonia-challenge-dataset-mappings_2018.json"


def films(folder: Path) -> Iterator[Recording]:
    """Yield each labelled film once."""
    classes = {
        row["patientId"]: row["class"]
        for row in rows(folder, "stage_2_detailed_class_info.csv", ("patientId", "class"))
    }
    patients = _patients(folder)
    names = dict.fromkeys(row["patientId"] for row in rows(folder, "stage_2_train_labels.csv", ("patientId", "Target")))
    for name in names:
        detail = classes.get(name, "")
        yield recording(
            "RSNA",
            "cxr",
            f"rsna-{name}",
            patients.get(name, f"rsna:{name}"),
            {"files": [folder / "stage_2_train_images" / f"{name}.dcm"]},
            labels=tuple(label_maps()["rsna"].get(detail, ())),
            extra={"class": detail},
        )


def _patients(folder: Path) -> dict[str, str]:
    """Return the NIH patient of each film, {} where the mapping is not there."""
    file = folder / MAPPING
    if not file.is_file():
        return {}
    try:
        return {one["subset_img_id"]: patient_of(one["img_id"]) for one in json.loads(file.read_bytes())}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"The mapping {MAPPING} cannot be read: download it again from RSNA's page.") from error
