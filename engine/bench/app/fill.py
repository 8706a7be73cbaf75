"""A large workspace made in seconds: the shipped synthetic cohort, and copies of it with embeddings that differ.

A copy has an id and a patient of its own and is marked synthetic as its original is; its content is the original's,
by a link to the same bytes, so that every picture can be drawn.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.actor import single_user
from engine.errors import CasebindError
from engine.map import file as file_module
from engine.map import job
from engine.settings import DEMO
from engine.store import bench_rows
from engine.store.records import StudyRow
from engine.workspace.demo import COHORT
from engine.workspace.ingest import ingest
from engine.workspace.manifest import read_manifest
from engine.workspace.pipeline import load_precomputed
from engine.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

SEED, SPREAD = 0, 0.02  # of the noise on every component of an embedding of length 1: a cosine of about 0.95
BATCH = 2000  # codes stored at once


def fill(folder: Path, release: Release, cases: int, *, with_map: bool = True) -> None:
    """Make a workspace of so many synthetic studies at `folder`; nothing is done where it is there.

    with_map : whether the map of the collection is made as well
    """
    with open_workspace(folder, create=True) as place:
        place.durable = False
        if sum(place.all_counts().values()) == cases:
            return
        known = load_precomputed(DEMO / f"embeddings-{release.name}.npz", release.digest)
        ingest(place, release, release.digest, COHORT, read_manifest(DEMO)[:cases], precomputed=known)
        base = place.all_rows()
        vectors = place.embeddings(release.name, [row.study_id for row in base])
        for number in range(1, -(-cases // len(base))):
            few = base[: cases - number * len(base)]
            _copy(place, release, few, vectors[: len(few)], f"-c{number}")
        if with_map:
            _map(place, release)


def _copy(workspace: Workspace, release: Release, base: list[StudyRow], vectors: np.ndarray, mark: str) -> None:
    """Add one copy of some studies under ids that end in `mark`."""
    with workspace.database.write() as cursor:
        bench_rows.copy_studies(cursor, [row.study_id for row in base], mark)
    for row in base:
        file = workspace.studies_folder / row.file
        os.link(file, file.with_name(f"{file.stem}{mark}{file.suffix}"))
    rng = np.random.default_rng([SEED, int(mark[2:])])
    moved = vectors + rng.normal(0, SPREAD, vectors.shape).astype(np.float32)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    codes = np.empty((len(base), 32), np.uint8)
    kinds = np.array([row.modality for row in base])
    for kind in sorted(set(kinds)):
        codes[kinds == kind] = release.codes(moved[kinds == kind], kind)
    ids = [row.study_id + mark for row in base]
    for start in range(0, len(ids), BATCH):
        some = slice(start, start + BATCH)
        workspace.add_codes(release.name, release.digest, ids[some], moved[some], codes[some])


def _map(workspace: Workspace, release: Release) -> None:
    """Make the map, so that its making does not run beside what is timed."""
    begun = job.begin(workspace, release, actor=single_user())
    if begun is not None:
        begun.wait()
        if file_module.load(workspace.path, release.name) is None:
            raise CasebindError(begun.error or "The map of the filled workspace was not made: run the command again.")
