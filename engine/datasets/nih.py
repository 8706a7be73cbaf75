"""NIH ChestX-ray14: frontal films with text-mined labels, official test list.

Read: Data_Entry_2017.csv (or Data_Entry_2017_v2020.csv), train_val_list.txt, test_list.txt, and the films in images/
or images_001/images/ … images_012/images/. A tenth of the whole, an eighth of the patients in train_val_list.txt, is
`valid`, fixed by the pseudonym.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.datasets.recording import Recording
from engine.datasets.toolbox import SEXES, find_file, label_maps, number, recording, rows, split_of
from engine.errors import UsageError

TABLES = ("Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv")
COLUMNS = (
    "Image Index",
    "Finding Labels",
    "Follow-up #",
    "Patient ID",
    "Patient Age",
    "Patient Gender",
    "View Position",
)
MAX_AGE = 120  # years; a few ages of the 2017 table are given in days or months and misread


def films(folder: Path) -> Iterator[Recording]:
    """Yield the films of the table that are on one of the two lists."""
    table = next((name for name in TABLES if find_file(folder, name)), TABLES[0])
    places = [folder / "images", *sorted(folder.glob("images_*/images"))]
    test, others = _names(folder, "test_list.txt"), _names(folder, "train_val_list.txt")
    shelves = {file.name: file for place in places if place.is_dir() for file in place.iterdir()}
    for row in rows(folder, table, COLUMNS):
        name = row["Image Index"]
        if name in test or name in others:
            yield _film(row, shelves.get(name, folder / "images" / name), name in test)


def patient_of(image: str) -> str:
    """Return the pseudonym of an image name: "00000001_000.png" is of "nih-00001"."""
    return f"nih-{int(image.split('_')[0]):05d}"


def _names(folder: Path, name: str) -> set[str]:
    file = folder / name
    if not file.is_file():
        raise UsageError(f"The folder {folder.name} has no {name}: download it from the data set's page.")
    return set(file.read_text(encoding="utf-8").split())


def _film(row: dict[str, str], file: Path, is_test: bool) -> Recording:
    patient, age = patient_of(row["Image Index"]), number(row["Patient Age"].rstrip("YMD"))
    names = [name for name in row["Finding Labels"].split("|") if name]
    return recording(
        "nih-cxr14",
        "cxr",
        f"nih-{Path(row['Image Index']).stem}",
        patient,
        {"files": [file]},
        split="test" if is_test else _train_or_valid(patient),
        labels=tuple(dict.fromkeys(label_maps()["nih"].get(name, name) for name in names)),
        age=age if age is not None and age <= MAX_AGE else None,
        sex=SEXES.get(row["Patient Gender"].lower(), ""),
        view=row["View Position"],
        extra={"follow_up": row["Follow-up #"]},
    )


def _train_or_valid(patient: str) -> str:
    """Return `valid` for an eighth: the same draw as elsewhere, with what it calls `test` left to `train`."""
    return "valid" if split_of(patient) == "valid" else "train"
