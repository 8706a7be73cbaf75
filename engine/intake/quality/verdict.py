"""What the gate says: one Measure per index, one Verdict per study."""

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


NAMED_REASONS = 4  # more sentences than this are counted, not listed


@dataclass(frozen=True)
class Measure:
    """One index of one lead, film or segment against its threshold.

    name      : "flat share", for one lead "V3: flat share"
    value     : in `unit`
    threshold : the limit that was applied, same unit
    sentence  : the number, the threshold and, where it failed, the most likely cause
    """

    name: str
    value: float
    threshold: float
    unit: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class QualityVerdict:
    """The gate's decision on one study.

    score    : 0 (nothing usable) … 1 (as good as the best recordings); 0 does not follow from a refusal
    reasons  : why it was refused; of an accepted study, what to keep in mind (unusable leads); may be empty
    measures : everything that was measured, decisive ones first
    """

    accepted: bool
    score: float
    reasons: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()


def number(value: float, unit: str) -> str:
    """Print a value with its unit: shares as per cent, everything else with up to three digits."""
    if unit == "share":
        percent = 100.0 * value
        return f"{percent:.0f} %" if percent >= 10 or percent == round(percent) else f"{percent:.1f} %"
    return f"{value:.3g}{' ' + unit if unit else ''}"


def check_limit(limit: Limit, value: float, *, name: str, subject: str, says: str, cause: str) -> Measure:
    """Compare a value with a limit and say so in one sentence.

    says  : what the number means, with {value}; e.g. "is flat for {value} of the window"
    cause : what in the recording most likely made it so; said where the limit is broken
    """
    passed = limit.allows(value)
    word = "limit" if limit.side == "max" else "at least"
    told = f"{subject} {says.format(value=number(value, limit.unit))} ({word} {number(limit.value, limit.unit)})"
    return Measure(name, float(value), limit.value, limit.unit, passed, f"{told}." if passed else f"{told}: {cause}.")


def listed(reasons: list[str]) -> tuple[str, ...]:
    """Keep the first few reasons and count the rest."""
    unique = list(dict.fromkeys(reasons))
    rest = len(unique) - NAMED_REASONS
    return tuple(unique) if rest <= 1 else (*unique[:NAMED_REASONS], f"{rest} further limits were exceeded.")
