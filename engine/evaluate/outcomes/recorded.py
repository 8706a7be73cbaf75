"""The table that a page may show, and its release, as `casebind evaluate outcomes --record FILE` wrote it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.settings import MODELS

FILE = MODELS / "outcomes.json"
ACCURACY = "balanced accuracy"


@dataclass(frozen=True)
class RecordedFigure:
    """One figure of a row: value with its 95 % interval by patient."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RecordedOutcomes:
    """The recorded table.

    release : whose embeddings were read       rows : arm → task → balanced accuracy, in the table's order
    asked   : task → admissions of `test`      seeds : trainings of each row of a language model
    """

    release: str
    rows: dict[str, dict[str, RecordedFigure]]
    asked: dict[str, int]
    seeds: int


def recorded(file: Path = FILE) -> RecordedOutcomes | None:
    """Return the table, None where none was recorded or the file cannot be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        listed = [row for row in found["rows"] if "arm" in row]
        rows: dict[str, dict[str, RecordedFigure]] = {}
        for row in listed:
            rows.setdefault(row["arm"], {})[row["task"]] = _figure(row["figures"][ACCURACY])
        asked = {row["task"]: int(row["figures"][ACCURACY]["n"]) for row in listed}
        return RecordedOutcomes(str(found["release"]), rows, asked, max(int(row["seeds"]) for row in listed))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _figure(found: dict[str, Any]) -> RecordedFigure:
    return RecordedFigure(*(float(found[name]) for name in ("value", "low", "high")))
