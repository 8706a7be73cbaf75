"""A real server on a copy of the shipped workspace, and a real browser, for the whole session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.screens import held_by_the_app
from helpers.server import start, stop
from helpers.studies import fill

from engine.bench.app.browser import ARGUMENTS, NAMES
from engine.study import ECG_LEADS
from engine.workspace.workspace import Workspace, open_workspace


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A small workspace, open for pages of this process, whose user has read the notice."""
    with open_workspace(tmp_path, create=True) as made:
        fill(made)
    with held_by_the_app(tmp_path, monkeypatch) as place:
        yield place


@pytest.fixture(scope="session")
def workspace_folder(shipped_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy that the session's server has open."""
    return Path(shutil.copytree(shipped_folder, tmp_path_factory.mktemp("open") / "workspace"))


@pytest.fixture(scope="module")
def fresh_server(shipped_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app on a copy that nobody has rated in."""
    folder = tmp_path_factory.mktemp("apart")
    process, url = start(Path(shutil.copytree(shipped_folder, folder / "ws")), folder / "server.log")
    yield url
    stop(process)


@pytest.fixture(scope="session")
def server_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the session's server writes."""
    return tmp_path_factory.mktemp("server") / "server.log"


@pytest.fixture(scope="session")
def server(workspace_folder: Path, server_log: Path) -> Iterator[str]:
    """The address of the running app."""
    process, url = start(workspace_folder, server_log)
    yield url
    stop(process)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """One headless chromium, as Debian packages it."""
    from helpers.browser import be_patient
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail("There is no chromium for the browser tests: run `make browser` once.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        be_patient(running)
        yield running
        running.close()


@pytest.fixture(scope="session")
def wfdb_pair(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A simulated 12-lead ECG as a real WFDB record on disk."""
    import neurokit2 as nk
    import wfdb

    folder = tmp_path_factory.mktemp("upload")
    leads = nk.ecg_simulate(duration=10, sampling_rate=500, method="multileads", heart_rate=72, random_state=3)
    wfdb.wrsamp(
        "sim",
        fs=500,
        units=["mV"] * 12,
        sig_name=list(ECG_LEADS),
        p_signal=np.asarray(leads, dtype=np.float64),
        fmt=["16"] * 12,
        write_dir=str(folder),
        comments=["name: Doe, Jane"],
    )
    return [folder / "sim.hea", folder / "sim.dat"]
