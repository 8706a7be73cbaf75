"""A DICOM listener of this process, closed at the end of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.archive_processes import settings_at

from engine.hospital.listener import Listener
from engine.hospital.settings import ListenSettings


@contextmanager
def listening(folder: Path, settings: ListenSettings | None = None) -> Iterator[Listener]:
    """Listen for a workspace at a port of its own."""
    listener = Listener(folder, settings or settings_at())
    try:
        yield listener
    finally:
        listener.close()
