"""A small workspace of the shipped synthetic cohort, made once and copied for each test that wants it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.model.release import Release, load_release
from engine.workspace.workspace import Workspace, open_workspace

PATIENTS = 30  # of the shipped cohort, numbered from 1; all their traces and texts, and the first films
FILMS = 4


@pytest.fixture(scope="session")
def release() -> Release:
    """The newest shipped release."""
    return load_release()


@pytest.fixture(scope="session")
def small_demo(few_patients: Callable[[int, int], Path]) -> Path:
    """A closed workspace with the first patients of the shipped cohort."""
    return few_patients(PATIENTS, FILMS)


@pytest.fixture
def workspace_folder(small_demo: Path, tmp_path: Path) -> Path:
    """A copy of the small workspace of one's own."""
    return Path(shutil.copytree(small_demo, tmp_path / "ws"))


@pytest.fixture
def workspace(workspace_folder: Path) -> Iterator[Workspace]:
    """The copy, open."""
    with open_workspace(workspace_folder) as place:
        yield place
