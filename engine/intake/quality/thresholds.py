"""The gate's limits, read once from thresholds.json, where each has its unit and where it comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

PATH = Path(__file__).with_name("thresholds.json")


@dataclass(frozen=True)
class Limit:
    """One threshold. side "max": the value may not be above it; "min": not below it."""

    value: float
    side: Literal["min", "max"]
    unit: str

    def allows(self, value: float) -> bool:
        """True where the value keeps the limit; NaN never does."""
        return value <= self.value if self.side == "max" else value >= self.value


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole file, provenance included."""
    return json.loads(PATH.read_text("utf-8"))


@lru_cache(maxsize=256)
def limit(part: str, name: str) -> Limit:
    """One limit, e.g. limit("ecg", "flat share"). Raises KeyError where the file has none of that name."""
    entry = document()["limits"][part][name]
    return Limit(float(entry["value"]), entry["side"], entry["unit"])
