"""What a page says of measured groups: which comparison comes first, its rows, and whether a gap may be named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.evaluate.fairness import LIFT, PRECISION


@dataclass(frozen=True)
class GroupRow:
    """One group's figure: value with its 95 % interval, chance where it has one; None where nothing is measured.

    few : whether it has too few patients for a claim
    """

    name: str
    patients: int
    few: bool
    value: float | None
    low: float | None
    high: float | None
    chance: float | None


@dataclass(frozen=True)
class GroupGap:
    """The gap of one figure: between whom, how large, and how large it is among shuffled groups."""

    most: str
    least: str
    highest: float
    lowest: float
    value: float
    band: float
    beyond: bool


def rows_of(section: Mapping[str, Any], metric: str) -> list[GroupRow]:
    """Return one figure of every group of a comparison, in the order in which the command prints them."""
    return [_row(group, metric) for group in section["groups"]]


def _row(group: Mapping[str, Any], metric: str) -> GroupRow:
    found = group["figures"].get(metric) or {"value": None, "low": None, "high": None}
    luck = None
    if metric == PRECISION:
        value, above = (group["figures"][name]["value"] for name in (PRECISION, LIFT))
        luck = None if value is None or above is None else value - above
    return GroupRow(group["name"], group["patients"], group["few"], found["value"], found["low"], found["high"], luck)


def gap_of(section: Mapping[str, Any], metric: str) -> GroupGap | None:
    """Return the gap of a figure, or None where too few people stand behind it."""
    found = section["gaps"].get(metric)
    if found is None:
        return None
    values = {row.name: row.value for row in rows_of(section, metric)}
    highest, lowest = values[found["most"]], values[found["least"]]
    if highest is None or lowest is None:
        return None
    return GroupGap(
        found["most"], found["least"], highest, lowest, found["value"], found["band"], bool(found["beyond"])
    )


def ordered(sections: Sequence[Mapping[str, Any]], metric: str) -> list[int]:
    """Return the numbers of the comparisons: first where people of one data set differ most against chance.

    Those of data sets come after those of people, and those of few people last.
    """

    def rank(at: int) -> tuple[bool, bool, float]:
        found = gap_of(sections[at], metric)
        share = 0.0 if found is None else found.value / max(found.band, 1e-9)
        return found is None, not sections[at]["source"], -share

    return sorted(range(len(sections)), key=rank)


def measured_in(section: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    """Return those of the figures that a comparison has."""
    return [name for name in metrics if any(name in group["figures"] for group in section["groups"])]
