"""The app on a workspace of some patients of the shipped cohort, as one process holds it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.orthanc import server as server
from helpers.screens import keys, new_screen
from streamlit.testing.v1 import AppTest

from engine.learning.collection_calibration import keep_current
from engine.model.release import load_release
from engine.workspace.workspace import Workspace
from pages.shared import resources

PATIENTS, FILMS = 30, 12


@pytest.fixture(scope="module")
def folder(few_patients: Callable[[int, int], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of some patients of the shipped cohort."""
    return Path(shutil.copytree(few_patients(PATIENTS, FILMS), tmp_path_factory.mktemp("asking") / "ws"))


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Workspace]:
    """The workspace as the app holds it, its pairs counted as after a real ingest: one process owns it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEBIND_WORKSPACE", str(folder))
        opened = resources.workspace()
        keep_current(opened, load_release())
        yield opened
        opened.close()


@pytest.fixture
def app(place: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app past its notice."""
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(folder))
    screen = new_screen()
    screen.run()
    return screen.button(key="accept").click().run() if keys(screen) >= {"accept"} else screen
