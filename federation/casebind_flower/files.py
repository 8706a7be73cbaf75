"""Arrays and facts between this environment's processes and Casebind's: files that appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

POLL_S = 0.1


def write(folder: Path, name: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> None:
    """Write NAME.npz, then NAME.json: whoever sees the second finds the first."""
    if arrays is not None:
        with (folder / f".{name}.npz").open("wb") as out:
            np.savez(out, **dict(arrays))  # type: ignore[arg-type]
        os.replace(folder / f".{name}.npz", folder / f"{name}.npz")
    (folder / f".{name}.json").write_text(json.dumps(facts), "utf-8")
    os.replace(folder / f".{name}.json", folder / f"{name}.json")


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file, never code; ValueError, OSError or KeyError where it is none."""
    with np.load(file, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
