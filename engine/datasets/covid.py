"""COVID-19 Radiography Database (Chowdhury et al. 2020), releases of 2020 and 2021: four folders, one a class.

Read: COVID, Lung_Opacity, Normal, "Viral Pneumonia", each with images/NAME.png (2021) or NAME.png (2020), and where it
is there CLASS.metadata.xlsx for the source of each film. MEDBind's binary task is COVID against Normal: 3,616 + 10,192
films, the 13,808 of its table 1.
No patient is named, so a film is its own patient: two films of one person may be in two splits. Normal and Lung_Opacity
were taken from RSNA's (NIH's) films, Viral Pneumonia from Kermany's: not to be evaluated on with these in training.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.datasets.recording import Recording
from engine.datasets.sheet import sheet_rows
from engine.datasets.toolbox import label_maps, recording
from engine.errors import UsageError


def films(folder: Path) -> Iterator[Recording]:
    """Yield the films, class by class in the order of their names."""
    for name, label in label_maps()["covid"].items():
        place = folder / name / "images" if (folder / name / "images").is_dir() else folder / name
        if not place.is_dir():
            raise UsageError(f"The folder {folder.name} has no folder {name}: unpack the whole archive.")
        sources = _sources(folder / f"{name}.metadata.xlsx")
        for file in sorted(place.glob("*.png")):
            found = sources.get(file.stem.lower(), "")
            yield recording(
                "COVID",
                "cxr",
                f"covid-{file.stem.replace(' ', '_')}",
                f"covid:{file.stem}",
                {"files": [file]},
                labels=(label,),
                extra={"source": found} if found else {},
            )


def _sources(file: Path) -> dict[str, str]:
    """Return the page that each film was taken from, by its name in lower case (the sheet writes NORMAL-1)."""
    if not file.is_file():
        return {}
    return {row["FILE NAME"].lower(): row["URL"] for row in sheet_rows(file, "FILE NAME", ("FILE NAME", "URL"))}
