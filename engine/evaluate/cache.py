"""What real recordings give once per release: arrays kept in a folder that git ignores."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.files import write_whole
from engine.settings import CHECKS

VERSION = 1  # of what is stored; a change of preparation or spaces raises it
CACHE = CHECKS


def key(*parts: str) -> str:
    """Return 12 hex digits that change with any part."""
    return hashlib.sha256("\n".join((str(VERSION), *parts)).encode()).hexdigest()[:12]


def cached_arrays(file: Path, compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of `file` (.npz), made and written where it is absent or damaged."""
    try:
        with np.load(file) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        made = compute()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, lambda out: np.savez(out, **made), durable=False)  # type: ignore[arg-type]
    return made
