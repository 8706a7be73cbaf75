"""Open-I, Indiana University: films with their reports (NLMCXR_reports.tgz and NLMCXR_png.tgz as published).

Read: ecgen-radiology/N.xml, and the films CXRN_….png in this folder, png/, images/ or NLMCXR_png/. The reports do not
say which film is frontal; indiana_projections.csv (Kaggle's copy of the set) does, and is used where it lies there.
Without it the film whose name ends in -1001 is taken, the frontal one as a rule, and a report without one is left out.
No split is published (MEDBind tests on all of it): fixed ones, by report, since each report is another patient's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from engine.datasets.recording import Recording
from engine.datasets.toolbox import find_file, label_maps, recording, rows
from engine.errors import UsageError

PLACES = (".", "png", "images", "NLMCXR_png")
PROJECTIONS = "indiana_projections.csv"


def films(folder: Path) -> Iterator[Recording]:
    """Yield the frontal films in the order of the reports' numbers."""
    shelves = [folder / place for place in PLACES if (folder / place).is_dir()]
    frontal = _frontal(folder)
    for file in sorted((folder / "ecgen-radiology").glob("*.xml"), key=lambda one: (len(one.stem), one.stem)):
        yield from _of_report(file, shelves, frontal)


def _of_report(file: Path, folders: Sequence[Path], frontal: set[str] | None) -> Iterator[Recording]:
    try:
        root = ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise UsageError(f"The report {file.name} is no XML: unpack the archive of reports again.") from error
    told = {node.get("Label", ""): " ".join((node.text or "").split()) for node in root.iter("AbstractText")}
    report = " ".join(told[name] for name in ("FINDINGS", "IMPRESSION") if told.get(name))
    for image in (node.get("id", "") for node in root.iter("parentImage")):
        if image.endswith("-1001") if frontal is None else image.partition("_")[2] in frontal:
            files = [place / f"{image}.png" for place in folders]
            found = next((one for one in files if one.is_file()), files[0])
            yield recording(
                "Open-I",
                "cxr",
                f"openi-{image}",
                f"openi:{file.stem}",
                {"files": [found]},
                encounter_id=f"openi-{file.stem}",
                labels=_labels(root),
                report=report,
            )


def _labels(root: ElementTree.Element) -> tuple[str, ...]:
    """Return the major MeSH headings, each once, without their qualifiers: "Cardiomegaly/mild" is "Cardiomegaly"."""
    names = ((node.text or "").split("/")[0].strip() for node in root.iter("major"))
    return tuple(dict.fromkeys(label_maps()["openi"].get(name.lower(), name) for name in names if name))


def _frontal(folder: Path) -> set[str] | None:
    """Return the frontal films' names without the report's number in front, None where no table says."""
    if find_file(folder, PROJECTIONS) is None:
        return None
    listed = rows(folder, PROJECTIONS, ("uid", "filename", "projection"))
    return {row["filename"].removesuffix(".dcm.png") for row in listed if row["projection"] == "Frontal"}
