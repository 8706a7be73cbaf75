"""The gate's limits, read from thresholds.json: value, side, unit, why. What they rest on stands in a file beside it.

CASEBIND_THRESHOLDS names another file of limits. `gate_digest` tells verdicts of one gate from those of another.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from engine.errors import UsageError
from engine.files import sha256_of
from engine.settings import MODELS, thresholds_path

SHIPPED = Path(__file__).with_name("thresholds.json")
PROVENANCE = SHIPPED.with_name("thresholds_provenance.json")
FILM_SPACE = MODELS / "quality" / "film_space.safetensors"  # the films that a film is compared with


@dataclass(frozen=True)
class Limit:
    """One threshold. side "max": the value may not be above it; "min": not below it."""

    value: float
    side: Literal["min", "max"]
    unit: str

    def allows(self, value: float) -> bool:
        """True where the value keeps the limit; NaN never does."""
        return value <= self.value if self.side == "max" else value >= self.value


def limit(part: str, name: str) -> Limit:
    """Return one limit, e.g. limit("ecg", "flat share"). Raises KeyError where the file has none of that name."""
    return limits(thresholds_path() or SHIPPED)[part, name]


@lru_cache(maxsize=8)
def limits(file: Path) -> dict[tuple[str, str], Limit]:
    """Return the limits of a file by part and name; UsageError where it is not one of limits."""
    try:
        document: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8"))
        return {
            (part, name): Limit(float(entry["value"]), entry["side"], entry["unit"])
            for part, entries in document.items()
            for name, entry in entries.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The gate's limits cannot be read from {file} ({error}): CASEBIND_THRESHOLDS names a copy of "
            "thresholds.json, or nothing."
        ) from error


def gate_digest() -> str:
    """Return the SHA-256 over what decides the gate's verdicts: every limit, and what films are compared with.

    Why a limit was chosen, and what recordings showed, does not count.
    """
    return _digest(thresholds_path() or SHIPPED)


@lru_cache(maxsize=8)
def _digest(file: Path) -> str:
    decisive = sorted([*key, one.value, one.side] for key, one in limits(file).items())
    reference = sha256_of(FILM_SPACE) if FILM_SPACE.is_file() else ""
    return hashlib.sha256(json.dumps([decisive, reference]).encode()).hexdigest()
