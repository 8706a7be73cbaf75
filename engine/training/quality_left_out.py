"""Limits of the quality gate chosen without one data set, so that its people are judged by limits that never saw them.

The rule is one for every index of a modality: the loosest of what 99 % (films: 98 %) of the usable recordings of each
other data set keep, for traces three quarters of it. Limits of physiology and of the file (gaps, flat and clipped
shares, tones, rates, size) are set and hold for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.intake.quality.film import DISTANCE, UPRIGHT
from engine.intake.quality.verdict import Measure, QualityVerdict, limit

REFUSED = {"ppg": 0.01, "ecg": 0.01, "cxr": 0.02}  # of the usable recordings of any other data set, by one index
MARGIN = 0.75  # of that, for traces: people of another data set may lie a little lower; films have no such room
FEWEST = 20  # recordings that a data set needs before a limit rests on it
# modality → index → side of its limit
FITTED: dict[str, dict[str, Literal["min", "max"]]] = {
    "ppg": dict.fromkeys(("asymmetry", "pulse likeness", "periodicity"), "min"),
    "ecg": dict.fromkeys(("in-band share", "basSQI", "pSQI", "power above 8 Hz", "bSQI", "beat likeness"), "min"),
    "cxr": {DISTANCE: "max", UPRIGHT: "min"},
}


@dataclass(frozen=True)
class GateReading:
    """What the gate measured of one recording.

    dataset : where it comes from; kind : "real", or how it was spoilt
    groups  : what it counts under, e.g. {"sex": "F", "age": "60–79"}
    usable  : by its rate, or known to be a film
    """

    modality: str
    dataset: str
    kind: str
    groups: dict[str, str]
    usable: bool
    verdict: QualityVerdict


def parts(judged: GateReading) -> dict[str, list[Measure]]:
    """Return the measures of each lead, "" for a film or a pulse; those of the whole recording are left out."""
    found: dict[str, list[Measure]] = {}
    whole = [m for m in judged.verdict.measures if judged.modality == "ecg" and ": " not in m.name]
    for measure in judged.verdict.measures:
        if measure not in whole:
            lead, _, _ = measure.name.rpartition(": ")
            found.setdefault(lead, []).append(measure)
    return found


def index_of(measure: Measure) -> str:
    """Return the name of the index without its lead."""
    return measure.name.rpartition(": ")[2]


def chosen(others: Sequence[GateReading], modality: str) -> dict[str, float]:
    """Return the fitted limits that the usable recordings of these data sets give; real ones alone count."""
    limits, share = {}, REFUSED[modality]
    for index, side in FITTED[modality].items():
        values: dict[str, list[float]] = {}
        for one in others:
            if one.modality == modality and one.usable and one.kind == "real":
                seen = (m.value for measures in parts(one).values() for m in measures if index_of(m) == index)
                values.setdefault(one.dataset, []).extend(seen)
        kept = [
            np.quantile(seen, share if side == "min" else 1 - share) for seen in values.values() if len(seen) >= FEWEST
        ]
        if kept:
            loosest = float(min(kept) if side == "min" else max(kept))
            limits[index] = loosest if modality == "cxr" else MARGIN * loosest
    return limits


def accepted_by(judged: GateReading, limits: dict[str, float]) -> bool:
    """Whether the recording keeps these limits and, of all others, those that are shipped; as the gate decides."""
    leads = parts(judged)
    if not leads:  # too short to be measured
        return False
    good = sum(all(_keeps(judged.modality, measure, limits) for measure in measures) for measures in leads.values())
    needed = limit("ecg", "usable leads").value if judged.modality == "ecg" else 1.0
    return good / len(leads) >= needed


def _keeps(modality: str, measure: Measure, limits: dict[str, float]) -> bool:
    index = index_of(measure)
    if index not in limits:
        return measure.passed
    return measure.value >= limits[index] if FITTED[modality][index] == "min" else measure.value <= limits[index]
