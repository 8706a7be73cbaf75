"""Parts of the shipped synthetic cohort, written as a cohort of their own."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine import settings
from engine.modalities import MODALITIES
from engine.model.release import Release
from engine.workspace.demo import COHORT
from engine.workspace.ingest import ingest
from engine.workspace.manifest import read_manifest
from engine.workspace.pipeline import load_precomputed
from engine.workspace.workspace import open_workspace


def write_table(file: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows under the keys of the first as a CSV file, in folders made for it; return the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def write_manifest(folder: Path, patients: range, films: int = 0) -> Path:
    """Write a manifest of some patients of the shipped cohort, with copies of their files; return it."""
    with (settings.DEMO / "manifest.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    wanted = {f"syn-{number:04d}" for number in patients}
    kept = [row for row in rows if row["patient_id"] in wanted and row["modality"] != "cxr"]
    kept += differing([row for row in rows if row["patient_id"] in wanted and row["modality"] == "cxr"])[:films]
    for name in (name for row in kept for name in row["file"].split(";") if name):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(settings.DEMO / name, folder / name)
    return write_table(folder / "manifest.csv", kept)


def differing(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Return rows in their order, those with a label that none before has first: a few then show different findings."""
    shown: set[str] = set()
    first, rest = [], []
    for row in rows:
        labels = set(row["labels"].split(";"))
        (rest if labels <= shown else first).append(row)
        shown |= labels
    return first + rest


def build_workspace(
    folder: Path, files: Path, release: Release, patients: range, films: int, kinds: Sequence[str] = MODALITIES
) -> Path:
    """Build a workspace of some patients of the shipped cohort from their shipped embeddings; return it, closed."""
    manifest = write_manifest(files, patients, films)
    if set(kinds) < set(MODALITIES):
        with manifest.open(newline="", encoding="utf-8") as handle:
            rows = [row for row in csv.DictReader(handle) if row["modality"] in kinds]
        manifest = write_table(files / "some.csv", rows)
    known = load_precomputed(settings.DEMO / f"embeddings-{release.name}.npz", release.digest)
    with open_workspace(folder, create=True) as place:
        ingest(place, release, release.digest, COHORT, read_manifest(manifest), precomputed=known)
    return folder
