"""The prior of painted findings, findings.toml: which sides, severities and places, and what a severity measures."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UsageError
from engine.synthetic.cxr.paint.finding import FilmFinding

FILE = Path(__file__).with_name("findings.toml")
JITTER = 0.05


@lru_cache(maxsize=1)
def tables() -> dict[str, dict[str, Any]]:
    """Return findings.toml: kind → table."""
    return tomllib.loads(FILE.read_text())


def kinds() -> tuple[str, ...]:
    """Return the names of all findings that can be painted."""
    return tuple(tables())


def label_of(kind: str) -> str:
    """Return the label of a kind, CheXpert-14 wording where it has a word; "" for what is no finding."""
    return str(_table(kind)["label"])


def amount(kind: str, measure: str, severity: float, rng: np.random.Generator) -> float:
    """Return what a severity 0 … 1 measures, in the unit that the measure's name ends with."""
    low, high, exponent = _table(kind)["range"][measure]
    value = low + (high - low) * float(np.clip(severity, 0, 1)) ** exponent
    return float(value * (1 + np.clip(rng.normal(0, JITTER), -2 * JITTER, 2 * JITTER)))


def draw_finding(
    kind: str, rng: np.random.Generator, *, view: str = "PA", side: str | None = None, severity: float | None = None
) -> FilmFinding:
    """Return a finding of a kind; side and severity are drawn where none is given.

    view : "AP" films are taken lying in SUPINE of cases
    """
    table = _table(kind)
    side = _pick(table["sides"], rng) if side is None else side
    severity = float(rng.beta(*table["severity"])) if severity is None else severity
    places = table.get("places", {})
    if any(isinstance(share, dict) for share in places.values()):
        places = places[side]
    place = _pick(places, rng) if places else ""
    supine = view == "AP" and bool(rng.random() < SUPINE)
    return FilmFinding(kind, side, severity, place, supine)


SUPINE = 0.35  # of AP films, teaching mix: the others sit in bed


def _table(kind: str) -> dict[str, Any]:
    if kind not in tables():
        raise UsageError(f"No finding {kind!r} can be painted: one of {', '.join(kinds())}.")
    return tables()[kind]


def _pick(shares: dict[str, float], rng: np.random.Generator) -> str:
    weights = np.array(list(shares.values()), float)
    return str(rng.choice(list(shares), p=weights / weights.sum()))
