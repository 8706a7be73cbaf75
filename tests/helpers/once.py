"""What takes long to make is made once for all processes of the tests, and copied by those who change it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


class Once:
    """A folder that all processes of a test run share."""

    def __init__(self, factory: pytest.TempPathFactory, worker_id: str) -> None:
        base = factory.getbasetemp()
        self.base = base if worker_id == "master" else base.parent

    def made(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return the folder of this name; where it is not there yet, `make` fills a new one first."""
        place = self.base / name
        with FileLock(f"{place}.lock"):
            if not place.is_dir():
                unfinished = place.with_name(f"{name}-unfinished")
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(place)
        return place
