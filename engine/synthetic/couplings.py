"""How the severities of an encounter shape its vitals, ECG and PPG (couplings.toml), and the control without that."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.synthetic.effects import Effects
from engine.synthetic.patients import Encounter, rng_for
from engine.synthetic.severity import Body, Severity, draw_severity

FILE = Path(__file__).with_name("couplings.toml")
CouplingMode = Literal["none", "on", "off"]
"""none: no severities are drawn; on: they shape the traces; off: the traces take those of another draw."""


@dataclass(frozen=True)
class CouplingChoice:
    """Whether severities are drawn, and which couplings follow another draw: all where the mode is "off"."""

    mode: CouplingMode = "none"
    switched_off: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.switched_off) - set(coupling_names()))
        if unknown:
            raise KeyError(f"no coupling {', '.join(unknown)}; couplings are {', '.join(coupling_names())}")


@lru_cache(maxsize=1)
def coupling_tables() -> dict[str, Any]:
    """Return couplings.toml."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def coupling_names() -> tuple[str, ...]:
    """Return the names of all couplings."""
    return tuple(row["name"] for row in coupling_tables()["coupling"])


def effects_of(severity: Severity, other: Severity | None = None, switched_off: Collection[str] = ()) -> Effects:
    """Return the summed effects of severities; couplings that are switched off take those of `other`."""
    totals = {field.name: 0.0 for field in fields(Effects)}
    for row in coupling_tables()["coupling"]:
        source = other if other is not None and row["name"] in switched_off else severity
        totals[row["to"]] += _effect(row, source)
    return Effects(**totals)


def severities(
    body: Body, choice: CouplingChoice, seed: int, patient: int, encounter: int, *, other_bmi: float
) -> tuple[Severity, Effects] | tuple[None, None]:
    """Return an encounter's severities and their effects; none where the choice draws none.

    The second draw, which couplings that are off follow, is made from streams of its own and with another body mass
    index (kg/m²), since how the heart lies follows it and would tell whose film it is.
    """
    if choice.mode == "none":
        return None, None
    own, other = (
        draw_severity(one, rng_for(seed, patient, 0, part), rng_for(seed, patient, encounter, part))
        for one, part in ((body, "severity"), (replace(body, bmi=other_bmi), "other severity"))
    )
    off = coupling_names() if choice.mode == "off" else choice.switched_off
    return own, effects_of(own, other, off)


def with_severity(encounter: Encounter, severity: Severity) -> Encounter:
    """Return the encounter with severities that a film was measured to show, and the traces' effects of these.

    Its vitals stay as they were drawn.
    """
    return replace(encounter, severity=severity, effects=effects_of(severity))


def axis_limits(labels: Collection[str]) -> tuple[float, float]:
    """Return the degrees within which the frontal QRS axis stays under these statements."""
    table = coupling_tables()["axis_limits"]
    low, high = next((bounds for name, bounds in table.items() if name in labels), table["other"])
    return float(low), float(high)


def own_share(name: str) -> float:
    """Return the share of a person's own deviation that is kept beside the couplings: axis, voltage, t or p."""
    return float(coupling_tables()["own"][name])


def _effect(row: Mapping[str, Any], severity: Severity) -> float:
    """Return one coupling's effect; 0 where it only holds with a finding (`when`) that is absent."""
    if "when" in row and not getattr(severity, row["when"]):
        return 0.0
    value = row["slope"] * (getattr(severity, row["from"]) - row["centre"]) / row["per"]
    return float(np.clip(value, *row["limits"]))
