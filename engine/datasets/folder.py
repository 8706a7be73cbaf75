"""The folder of the open recordings."""

from __future__ import annotations

from pathlib import Path

from engine import settings
from engine.errors import UsageError


def open_recordings(path: Path | None) -> Path:
    """Return the folder of the open recordings that --recordings or the settings name; UsageError without one."""
    folder = path or settings.recordings_path()
    if folder is None or not (folder / "cxr" / "cxr.csv").is_file():
        raise UsageError("The open recordings are not here: name the folder of cxr, ecg and ppg by --recordings.")
    return folder
