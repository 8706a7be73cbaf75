"""What every test may ask for: the open recordings, with one reason where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.settings import recordings_path

ABSENT = "the open recordings are not here: CASEBIND_RECORDINGS names their folder, or data/recordings holds them"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that asks for the recordings, itself or through a fixture, so that -m recordings finds it."""
    for item in items:
        if "recordings" in getattr(item, "fixturenames", ()):
            item.add_marker("recordings")


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of the open recordings; the test is skipped where there is none."""
    folder = recordings_path()
    if folder is None:
        pytest.skip(ABSENT)
    return folder
