"""What every test may ask for: the open recordings, with one reason where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.settings import recordings_path

ABSENT = "the open recordings are not here: CASEBIND_RECORDINGS names their folder, or data/recordings holds them"


# What trains, draws cohorts, starts clusters or kills processes takes most of the time: `make test-fast` leaves it out.
SLOW = (
    "engine/backends/test_cluster_",
    "engine/bench/",
    "engine/commands/test_demo",
    "engine/commands/test_ingest",
    "engine/commands/test_releases",
    "engine/evaluate/",
    "engine/explain/test_attribution",
    "engine/intake/test_limited",
    "engine/learning/test_jobs",
    "engine/learning/test_promot",
    "engine/map/",
    "engine/report/test_export_pdf",
    "engine/store/test_ratings",
    "engine/synthetic/",
    "engine/training/",
    "engine/workspace/test_living",
    "engine/workspace/test_reindex",
    "engine/workspace/test_rejudge",
    "pages/",
    "rules/test_documents.py::test_the_commands",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests by where they stand, and those that ask for the recordings, themselves or by a fixture."""
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW):
            item.add_marker("slow")
        if "recordings" in getattr(item, "fixturenames", ()):
            item.add_marker("recordings")


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of the open recordings; the test is skipped where there is none."""
    folder = recordings_path()
    if folder is None:
        pytest.skip(ABSENT)
    return folder
