"""A small workspace of the shipped synthetic cohort, made once and copied for each test that wants it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from shipped import write_manifest

from engine import settings
from engine.index.demo import COHORT
from engine.index.ingest import ingest
from engine.index.manifest import read_manifest
from engine.index.pipeline import load_precomputed
from engine.index.workspace import Workspace, open_workspace
from engine.release import Release, load_release

PATIENTS = 30  # of the shipped cohort, numbered from 1; all their traces and texts, and the first films
FILMS = 4


@pytest.fixture(scope="session")
def release() -> Release:
    """The newest shipped release."""
    return load_release()


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory, release: Release) -> Path:
    """A closed workspace with the first patients of the shipped cohort."""
    folder = tmp_path_factory.mktemp("demo")
    manifest = write_manifest(tmp_path_factory.mktemp("files"), range(1, PATIENTS + 1), FILMS)
    known = load_precomputed(settings.DEMO / f"embeddings-{release.name}.npz", release.digest)
    with open_workspace(folder / "ws", create=True) as place:
        ingest(place, release, release.digest, COHORT, read_manifest(manifest), known=known)
    return folder / "ws"


@pytest.fixture
def workspace_folder(small_demo: Path, tmp_path: Path) -> Path:
    """A copy of the small workspace of one's own."""
    return Path(shutil.copytree(small_demo, tmp_path / "ws"))


@pytest.fixture
def workspace(workspace_folder: Path) -> Iterator[Workspace]:
    """The copy, open."""
    with open_workspace(workspace_folder) as place:
        yield place
