"""What every test may ask for: shipped studies, and the open recordings, with one reason where they are absent."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.once import Once
from helpers.workspaces import build_workspace

from engine.model.release import load_release
from engine.settings import ROOT, recordings_path

ABSENT = "the open recordings are not here: CASEBIND_RECORDINGS names their folder, or data/recordings holds them"


# What trains, draws cohorts, starts clusters or kills processes takes most of the time: `make test-fast` leaves it out.
SLOW = (
    "engine/backends/test_cluster_",
    "engine/bench/",
    "engine/commands/test_demo",
    "engine/commands/test_inbox",
    "engine/commands/test_ingest",
    "engine/commands/test_releases",
    "engine/edge/",
    "engine/evaluate/",
    "engine/explain/test_attribution",
    "engine/federation/test_network",
    "engine/hospital/test_nothing_is_lost",
    "engine/hospital/test_reports_in",
    "engine/hospital/test_watched_folder_kills",
    "engine/intake/test_limited",
    "engine/learning/test_adapt",
    "engine/learning/test_jobs",
    "engine/learning/test_promot",
    "engine/learning/test_unlearning",
    "engine/map/",
    "engine/report/test_export_pdf",
    "engine/store/test_journal",
    "engine/store/test_ratings",
    "engine/synthetic/",
    "engine/training/",
    "engine/upkeep/test_backup",
    "engine/wearable/test_nothing_comes_twice",
    "engine/workspace/test_living",
    "engine/workspace/test_reindex",
    "engine/workspace/test_rejudge",
    "pages/",
    "rules/test_documents.py::test_the_commands",
)


BROWSER = ("tests/pages/test_browser_", "tests/pages/shared/test_browser_", "tests/engine/bench/app/")
SERVERS_OF_THEIR_OWN = (  # of the tests in a browser; all others ask the server of the session
    "tests/engine/bench/app/",
    "tests/pages/shared/",
    "tests/pages/test_browser_deploy",
    "tests/pages/test_browser_first_visit",
    "tests/pages/test_browser_oidc",
    "tests/pages/test_browser_quiz_secrets",
    "tests/pages/test_browser_reader_study",
    "tests/pages/test_browser_releases",
    "tests/pages/test_browser_review",
    "tests/pages/test_browser_sign_in",
)
CLUSTERS = "tests/engine/backends/test_cluster_"  # share one Ray cluster


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests by where they stand, and those that ask for the recordings, themselves or by a fixture.

    What takes long comes first, browsers before all: a process that begins it last would be waited for.
    """
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW):
            item.add_marker("slow")
        if "recordings" in getattr(item, "fixturenames", ()):
            item.add_marker("recordings")
    items.sort(key=lambda item: (not item.nodeid.startswith(BROWSER), not item.get_closest_marker("slow")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give each process a file at a time; what shares a server, a browser or a cluster goes to one.

    Two processes drive a browser: with one, the others would wait for it at the end; with three, they wait for each
    other.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByWhatIsShared(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith(BROWSER):
                return "browser, own servers" if nodeid.startswith(SERVERS_OF_THEIR_OWN) else "browser, one server"
            return "clusters" if nodeid.startswith(CLUSTERS) else super()._split_scope(nodeid)

    return ByWhatIsShared(config, log)


@pytest.fixture(autouse=True)
def no_loop_of_a_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """A driven browser's event loop counts as running in its process to the end: not for the tests that drive none."""
    running = None if "browser" in request.fixturenames else asyncio._get_running_loop()
    if running is not None:
        asyncio._set_running_loop(None)
    yield
    if running is not None:
        asyncio._set_running_loop(running)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of the open recordings; the test is skipped where there is none."""
    folder = recordings_path()
    if folder is None:
        pytest.skip(ABSENT)
    return folder


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Where what takes long to make is made once for all processes of the tests."""
    return Once(tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def shipped_folder(once: Once) -> Path:
    """The shipped workspace, built by the command that users run, to be copied."""

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "engine.cli", "demo", "--if-missing", "--workspace", str(folder / "ws")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0 and "synthetic studies" in done.stdout, done.stderr

    return once.made("shipped", build) / "ws"


@pytest.fixture(scope="session")
def few_patients(once: Once) -> Callable[[int, int], Path]:
    """A function from numbers of patients and films to a workspace of the first so many, closed, to be copied."""

    def built(patients: int, films: int) -> Path:
        def build(folder: Path) -> None:
            build_workspace(folder / "ws", folder / "files", load_release(), range(1, patients + 1), films)

        return once.made(f"first-{patients}-{films}", build) / "ws"

    return built
