"""The app on a workspace of some patients of the shipped cohort, as one process holds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.screens import keys
from helpers.workspaces import build_workspace
from streamlit.testing.v1 import AppTest

from engine.model.release import load_release
from engine.settings import ROOT
from engine.workspace.workspace import Workspace
from pages.shared import resources

PATIENTS, FILMS = 30, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of some patients of the shipped cohort."""
    place, files = tmp_path_factory.mktemp("asking") / "ws", tmp_path_factory.mktemp("files")
    return build_workspace(place, files, load_release(), range(1, PATIENTS + 1), FILMS)


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Workspace]:
    """The workspace as the app holds it: one process owns it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEBIND_WORKSPACE", str(folder))
        opened = resources.workspace()
        yield opened
        opened.close()


@pytest.fixture
def app(place: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app past its notice."""
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(folder))
    screen = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    screen.run()
    return screen.button(key="accept").click().run() if keys(screen) >= {"accept"} else screen
