"""Findings that a report states as a measurement: "CTR 0.58", "QTc 512 ms", "SpO2 84 %".

reports.toml names what is measured, what a number means by its unit, and from which number on a finding is stated or
denied. A number without a known unit counts where it lies within what is possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.findings.spelling import folded

# Words that may stand between a name and its number.
FILLERS = (
    "is was of at about approximately measures measured prolonged to interval duration von bei auf mit betragt ist ca "
    "verlangert intervall zeit de del es a en alrededor aproximadamente prolongado mide est mesure mesuree allonge "
    "autour environ"
)
BETWEEN = rf"(?:[\s:=~≈]|\b(?:{FILLERS.replace(' ', '|')})\b)*"


@dataclass(frozen=True)
class StatedMeasure:
    """One thing that is measured.

    pattern  : finds it with its number in folded text;  scale : unit → what its numbers are multiplied by
    possible : least and largest number that is believed
    alone    : whether it adds nothing where findings are named beside it
    states   : (finding, "above" or "below", limit) of what is stated from there on, and denied otherwise
    """

    pattern: re.Pattern[str]
    scale: Mapping[str, float]
    possible: tuple[float, float]
    alone: bool
    states: tuple[tuple[str, str, float], ...]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> StatedMeasure:
        """Return a row of reports.toml."""
        scale = said.get("scale", {})
        names = "|".join(sorted(map(re.escape, map(folded, said["names"])), key=len, reverse=True))
        units = "|".join(map(re.escape, sorted(scale, key=len, reverse=True)))
        pattern = rf"\b(?:{names})\b{BETWEEN}(?P<number>[-−+]?\d+(?:[.,]\d+)?)\s?(?P<unit>{units})?"
        states = tuple((one["finding"], one["when"], float(one["limit"])) for one in said["states"])
        return cls(
            re.compile(pattern), scale, (said["possible"][0], said["possible"][1]), said.get("alone", False), states
        )

    def read(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield (finding, whether it is denied) of folded text."""
        for found in self.pattern.finditer(text):
            number = float(found["number"].replace(",", ".").replace("−", "-")) * self.scale.get(found["unit"] or "", 1)
            if self.possible[0] <= number <= self.possible[1]:
                for finding, when, limit in self.states:
                    yield finding, not (number > limit if when == "above" else number < limit)


def measured(text: str, measures: Sequence[StatedMeasure], *, named: bool) -> tuple[tuple[str, bool], ...]:
    """Return (finding, whether it is denied) of every measurement of a text; named : whether it names findings too."""
    plain = folded(text)
    return tuple(one for measure in measures if not (named and measure.alone) for one in measure.read(plain))
