"""Where the open recordings lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine import settings
from engine.errors import UsageError

if TYPE_CHECKING:
    pass


def open_recordings(path: Path | None) -> Path:
    """Return the folder of the open recordings that --recordings or the settings name."""
    found = path or settings.recordings_path()
    if found is None or not (found / "cxr" / "cxr.csv").is_file():
        raise UsageError("The open recordings are not here: name the folder of cxr, ecg and ppg by --recordings.")
    return found
