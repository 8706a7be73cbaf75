"""CheXpert 1.0 (and -small): frontal films with the labels of its labeller, and CheXpert5x200.

Read: train.csv, valid.csv, and the films that their column Path names ("CheXpert-v1.0-small/train/patient00001/…").
Splits: valid.csv is `valid`; `test` are the patients of CheXpert5x200; all other patients are `train`.
Uncertain labels (−1) are no labels, neither for nor against, and are kept as `uncertain`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.datasets.recording import Recording
from engine.datasets.toolbox import SEXES, label_maps, number, recording, rows
from engine.errors import UsageError

OF_EACH = 200
SUBSET = "CheXpert5x200"


def labels_of(row: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels of a row that are present (1) and those that are uncertain (−1), in CheXpert's order."""
    values = {name: number(row.get(name, "")) for name in label_maps()["chexpert"]}
    return tuple(n for n, v in values.items() if v == 1), tuple(n for n, v in values.items() if v == -1)


def films(folder: Path) -> Iterator[Recording]:
    """Yield the frontal films, those of train.csv first; the films of CheXpert5x200 carry extra["subset"]."""
    listed = [*_table(folder, "train")]
    chosen = five_by_200(listed)
    patients = {one.patient_id for one in listed if one.study_id in chosen}
    for one in listed:
        split = "test" if one.patient_id in patients else "train"
        subset = {"subset": SUBSET} if one.study_id in chosen else {}
        yield replace(one, split=split, extra={**one.extra, **subset})
    yield from _table(folder, "valid")


def five_by_200(recordings: Sequence[Recording]) -> set[str]:
    """Return the study ids of CheXpert5x200: of each of five labels 200 films that hold it and no other of the five.

    As Huang et al. (GloRIA, ICCV 2021) built it and MEDBind does (section 3.1), also none of the five uncertain. Their
    random choice is not published; ours is fixed, by the hash of the film's path.
    """
    five = label_maps()["five"]
    chosen: set[str] = set()
    for name in five:
        held = [one for one in recordings if _open_to(one, five) == [name]]
        chosen |= {one.study_id for one in sorted(held, key=_draw)[:OF_EACH]}
    return chosen


def _open_to(film: Recording, five: Sequence[str]) -> list[str]:
    """Return which of the five a film holds or may hold; an uncertain one counts twice, so never stands alone."""
    uncertain = film.extra.get("uncertain", "").split(";")
    return [name for name in five if name in film.labels] + 2 * [name for name in five if name in uncertain]


def _draw(film: Recording) -> str:
    return hashlib.sha256(film.study_id.encode()).hexdigest()


def _table(folder: Path, name: str) -> Iterator[Recording]:
    columns = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *label_maps()["chexpert"])
    for row in rows(folder, f"{name}.csv", columns):
        if row["Frontal/Lateral"] == "Frontal":
            yield _film(folder, row, name)


def _film(folder: Path, row: dict[str, str], split: str) -> Recording:
    """Return one film; paths begin with the name of the folder that was published."""
    path = re.search(r"(?:train|valid|test)/(patient\d+)/(study\d+)/([^/]+)$", row["Path"])
    if path is None:
        raise UsageError(f"The path {row['Path']} is none of CheXpert's: use the table as it was published.")
    patient, study, file = path.groups()
    labels, uncertain = labels_of(row)
    patient = patient.removeprefix("patient")
    encounter = f"chexpert-{patient}-{study}"
    return recording(
        "CheXpert",
        "cxr",
        f"{encounter}-{file.split('_')[0]}",
        f"chexpert:{patient}",
        {"files": [folder / path.group(0)]},
        encounter_id=encounter,
        split=split,
        labels=labels,
        age=number(row["Age"]) or None,
        sex=SEXES.get(row["Sex"].lower(), ""),
        view=row["AP/PA"],
        extra={"uncertain": ";".join(uncertain)} if uncertain else {},
    )
