"""A small part of the open recordings, and cohorts made of shipped studies or, to be caught, of copied recordings."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli import run
from engine.model.release import load_release
from engine.settings import DEMO
from engine.synthetic.checks.evaluate import evaluate
from engine.synthetic.checks.words import rounded

Row = dict[str, str]
# table → (column, value) of a part, and how many rows of train, valid and test
PARTS = {
    "cxr/cxr.csv": [({"dataset": "nih-cxr14"}, (30, 10, 12))],
    "ecg/ecg.csv": [
        ({"dataset": "PTB-XL", "array": "ecg_mv.npz"}, (90, 25, 60)),
        ({"dataset": "PTB-XL", "array": "ecg_zscore.npz"}, (90, 25, 40)),
    ],
    "ppg/ppg.csv": [
        ({"dataset": "PPG-BP (Liang 2018)"}, (90, 25, 40)),
        ({"dataset": "BIDMC PPG and Respiration"}, (8, 2, 8)),
    ],
}
FILMS, ENCOUNTERS = 20, 24


def read_rows(file: Path) -> list[Row]:
    with file.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def write_rows(file: Path, rows: list[Row]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def few_recordings(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of the open recordings with a few hundred of them."""
    source, folder = recordings, tmp_path_factory.mktemp("recordings")
    for table, parts in PARTS.items():
        rows, kept = read_rows(source / table), []
        for wanted, counts in parts:
            part = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
            for split, count in zip(("train", "valid", "test"), counts, strict=True):
                kept += [row for row in part if row["split"] == split][:count]
        write_rows(folder / table, kept)
        for file in (source / table).parent.iterdir():
            if file.suffix != ".csv":
                (folder / table).parent.joinpath(file.name).symlink_to(file.resolve())
    return folder


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where encodings of the few recordings are kept."""
    return tmp_path_factory.mktemp("kept")


def shipped(modality: str) -> list[Row]:
    """Return the rows of one modality of the shipped cohort's first encounters that have a PPG."""
    rows = read_rows(DEMO / "manifest.csv")
    with_pulse = [row["encounter_id"] for row in rows if row["modality"] == "ppg"][:ENCOUNTERS]
    found = {row["encounter_id"]: row for row in rows if row["modality"] == modality}
    return [found[name] for name in with_pulse if name in found]


def write_cohort(folder: Path, rows: list[Row]) -> Path:
    """Write a cohort of shipped studies; return its folder."""
    for name in (name for row in rows for name in row["file"].split(";") if name):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / name, folder / name)
    write_rows(folder / "manifest.csv", rows)
    return folder


@pytest.fixture(scope="session")
def honest(kept: Path, few_recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command finds in a part of the shipped cohort."""
    rows = [*shipped("cxr")[:6], *shipped("ecg"), *shipped("ppg"), *shipped("text")]
    folder = write_cohort(tmp_path_factory.mktemp("honest"), rows)
    places = ["--pictures", str(folder / "pictures"), "--cache", str(kept), "--record", str(folder / "found.json")]
    where = ["--cohort", str(folder), "--recordings", str(few_recordings)]
    assert run(["evaluate", "synthetic", *where, *places]) == 0
    found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return {**found, "pictures": sorted(file.name for file in (folder / "pictures").iterdir())}


@pytest.fixture(scope="session")
def tampered(kept: Path, few_recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What it finds where films are copied training films with shuffled labels, and PPGs are the next patient's."""
    folder = tmp_path_factory.mktemp("tampered")
    ecgs, ppgs = shipped("ecg"), shipped("ppg")
    moved = [
        {**ppg, "encounter_id": after["encounter_id"]} for ppg, after in zip(ppgs, ppgs[1:] + ppgs[:1], strict=True)
    ]
    write_cohort(folder, [*ecgs, *moved])
    films = [row for row in read_rows(few_recordings / "cxr" / "cxr.csv") if row["split"] == "train"][:FILMS]
    order = np.random.default_rng(0).permutation(FILMS)
    copies = []
    for i, film in enumerate(films):
        shutil.copy(few_recordings / "cxr" / film["file"], folder / f"film-{i}.jpg")
        told = films[order[i]]
        copies.append(
            dict.fromkeys(ecgs[0], "")
            | {"file": f"film-{i}.jpg", "modality": "cxr", "study_id": f"film-{i}", "patient_id": f"film-{i}"}
            | {name: told[name] for name in ("labels", "view", "sex", "age")}
        )
    write_rows(folder / "manifest.csv", [*copies, *ecgs, *moved])
    found: dict[str, Any] = rounded(evaluate(load_release(), folder, few_recordings, None, kept))
    return found
