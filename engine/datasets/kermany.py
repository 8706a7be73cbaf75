"""Kermany et al. 2018 (Mendeley rscbjbr9sj, ChestXRay2017.zip): films of children of one to five years.

Read: chest_xray/{train,test}/{NORMAL,PNEUMONIA}/*.jpeg; the folder may also be chest_xray itself. A patient is what the
file's name says ("IM-0115-0001", "person1_bacteria_1"). The published test folder repeats numbers of the training
folder, so the splits are fixed by the patient instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from engine.datasets.recording import Recording
from engine.datasets.toolbox import recording

KINDS = {"bacteria": "Bacterial pneumonia", "virus": "Viral pneumonia"}
_NORMAL = re.compile(r"(?:NORMAL2-)?(IM-\d+)(?:-\d+)*")
_PNEUMONIA = re.compile(r"(person\d+)_(bacteria|virus)_\d+")


def films(folder: Path) -> Iterator[Recording]:
    """Yield the films in the order of their names."""
    place = folder / "chest_xray" if (folder / "chest_xray").is_dir() else folder
    for file in sorted(place.glob("*/*/*.jpeg"), key=lambda one: (one.stem, one.parent)):
        if (named := _named(file)) is not None:
            patient, labels = named
            yield recording(
                "kermany-paediatric",
                "cxr",
                f"kermany-{file.stem}",
                f"kermany-{patient}",
                {"files": [file]},
                labels=labels,
                view="AP",
            )


def _named(file: Path) -> tuple[str, tuple[str, ...]] | None:
    """Return patient and labels by a film's name, None for a file of another name."""
    kind = file.parent.name
    if kind == "NORMAL" and (match := _NORMAL.fullmatch(file.stem)):
        return match[1], ("No Finding",)
    if kind == "PNEUMONIA" and (match := _PNEUMONIA.fullmatch(file.stem)):
        return f"{match[1]}-{match[2]}", ("Pneumonia", KINDS[match[2]])
    return None
