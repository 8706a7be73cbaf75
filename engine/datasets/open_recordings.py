"""The open recordings: NIH, Kermany, Hannover, VQA-RAD films; PTB-XL and other ECGs; BIDMC, PPG-BP, oximetry PPGs.

`recordings(path)` lists them from the three tables; `Recording.study()` reads one. Splits are by patient and fixed.
A data set that datasets.toml does not list is taken by its own columns: licence, labels_how, attribution or source.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.recording import DATASETS, Recording, attribution_of
from engine.datasets.toolbox import label_maps
from engine.reference import COLUMN, ReferenceFinding, to_text
from engine.study import ECG_LEADS, PPG_LEAD, Film, Study, Trace

__all__ = ["Recording", "recordings"]

BOX_LABELS = {"Infiltrate": "Infiltration"}  # the boxes' own word → that of the labels


def recordings(path: Path, split: str | None = None, modality: str | None = None) -> list[Recording]:
    """List the recordings under `path` (the folder with cxr/, ecg/ and ppg/), films first, then ECG, then PPG."""
    listed = [*_films(path), *_ecgs(path), *_ppgs(path)]
    return [r for r in listed if (split is None or r.split == split) and (modality is None or r.modality == modality)]


def _number(text: str | None) -> float | None:
    """Parse a number; a range such as "1-5" gives its middle; blank gives None."""
    parts = [float(p) for p in (text or "").split("-") if p.replace(".", "", 1).isdigit()]
    value = sum(parts) / len(parts) if parts else math.nan
    return None if math.isnan(value) else value


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as handle:
        yield from csv.DictReader(handle)


def _labels(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(label for label in (row["labels"] or "").split(";") if label)


def _common(row: dict[str, str], label_source: str) -> dict[str, Any]:
    """Return what the three tables say alike of a recording.

    label_source : who labelled the data sets that are registered; any other states it in its own column `labels_how`
    """
    dataset, registered = row["dataset"], row["dataset"] in DATASETS
    stated = row.get("labels_how") or ("" if registered else f"as the table of {dataset} states")
    own = row.get("attribution") or attribution_of(dataset, row["licence"], row.get("source", ""))
    return {
        "dataset": dataset,
        "split": row["split"],
        "label_source": stated or label_source,
        "licence": row["licence"],
        "age": _number(row["age"]),
        "sex": row["sex"],
        "load": _load,
        "attribution": "" if registered else own,
    }


def _films(path: Path) -> Iterator[Recording]:
    for row in _rows(path / "cxr" / "cxr.csv"):
        yield Recording(
            study_id=row["study_id"],
            modality="cxr",
            patient_id=row["patient_id"],
            encounter_id=row["study_id"],
            labels=_labels(row),
            view=row["view"],
            heart_rate=None,
            report=row["report"],
            source={"file": path / "cxr" / row["file"]},
            extra=_boxed(row.get("bboxes") or "[]"),
            **_common(row, ""),
        )


def _boxed(boxes: str) -> dict[str, str]:
    """Return the boxes that radiologists drew, [label, left, top, width, height] each, as reference findings."""
    drawn = [(label, [min(1.0, max(0.0, float(one))) for one in box]) for label, *box in json.loads(boxes)]
    found = [
        ReferenceFinding(
            label=label_maps()["nih"].get(BOX_LABELS.get(label, label), label),
            kind=label.lower(),
            polygons=(((x, y), (min(1.0, x + w), y), (min(1.0, x + w), min(1.0, y + h)), (x, min(1.0, y + h))),),
        )
        for label, (x, y, w, h) in drawn
    ]
    return {COLUMN: to_text(found)} if found else {}


def _ecgs(path: Path) -> Iterator[Recording]:
    for row in _rows(path / "ecg" / "ecg.csv"):
        yield Recording(
            study_id=row["record_id"],
            modality="ecg",
            patient_id=row["patient_id"] or row["record_id"],
            encounter_id=row["record_id"],
            labels=_labels(row),
            view="",
            heart_rate=_number(row["hr_est"]),
            report=row["report"],
            source={
                "array": path / "ecg" / row["array"],
                "row": int(row["array_row"]),
                "units": "mV" if "_mv" in row["array"] else "sd",
            },
            pair=row["record_id"],
            **_common(row, "SCP-ECG or SNOMED statements of the data set"),
        )


def _ppgs(path: Path) -> Iterator[Recording]:
    """Each PPG; where an ECG lead was recorded with it, that lead is a recording of the same encounter."""
    for row in _rows(path / "ppg" / "ppg.csv"):
        common = _common(row, "clinical record of the data set") | {
            "patient_id": row["patient_id"],
            "encounter_id": row["record_id"],
            "view": "",
            "heart_rate": _number(row["hr"]) or _number(row["hr_est"]),
            "report": "",
            "pair": row["record_id"],
        }
        source = {"array": path / "ppg" / "ppg.npz", "row": int(row["array_row"])}
        yield Recording(study_id=row["record_id"], modality="ppg", labels=_labels(row), source=source, **common)
        if row["simultaneous_ecg"] == "True":
            lead = {**source, "lead": row["ecg_lead"] or "II"}
            yield Recording(study_id=f"{row['record_id']}_ecg", modality="ecg", labels=(), source=lead, **common)


@lru_cache(maxsize=4)
def _arrays(file: Path) -> dict[str, np.ndarray]:
    with np.load(file) as archive:
        return {name: archive[name] for name in archive.files}


def _load(recording: Recording, _: bytes) -> Study:
    content = (_film if recording.modality == "cxr" else _trace)(recording.source)
    return Study(recording.modality, content, f"{recording.dataset} {recording.study_id}")


def _film(source: dict[str, Any]) -> Film:
    from PIL import Image

    with Image.open(source["file"]) as image:
        return Film(np.asarray(image.convert("L")), bits=8)


def _trace(source: dict[str, Any]) -> Trace:
    """Return 12 leads at 100 Hz, one PPG at its own rate, or the ECG lead recorded beside it (0.001 mV steps)."""
    arrays, row = _arrays(source["array"]), source["row"]
    if "signals" in arrays:
        samples = arrays["signals"][row].astype(np.float32) * np.float32(arrays["scale"])
        return Trace(samples, ECG_LEADS, 100.0, source["units"])
    length, fs = int(arrays["n"][row]), float(arrays["fs"][row])
    if "lead" in source:
        start = int(arrays["ecg_start"][row])
        return Trace(arrays["ecg"][start : start + length].astype(np.float32)[None] * 1e-3, (source["lead"],), fs, "mV")
    start = int(arrays["ppg_start"][row])
    samples = arrays["ppg"][start : start + length] * arrays["scale"][row] + arrays["offset"][row]
    return Trace(samples.astype(np.float32)[None], (PPG_LEAD,), fs, "au")
