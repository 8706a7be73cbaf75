"""The few measured figures of a release that say what it is good for, out of all that its manifest holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Use = Literal["same", "across", "words"]
USES: tuple[Use, ...] = ("same", "across", "words")
MEASURE, CODE, ARROW = "p_at_5", "256 bits", "→"


@dataclass(frozen=True)
class HeadlineFigure:
    """Share of the five nearest that share a finding with the query, by codes of full length.

    low, high : 95 % interval; chance : the same share of cases drawn at random; n : queries, of so many patients, all
    held out
    """

    asked: str
    found: str
    value: float
    low: float
    high: float
    chance: float
    n: int
    patients: int

    @property
    def use(self) -> Use:
        """Whether it is about a query and cases of one kind, of two, or about typed words."""
        if self.asked == "text":
            return "words"
        return "same" if self.asked == self.found else "across"

    @property
    def is_above_chance(self) -> bool:
        """Whether the whole interval lies above what chance gives."""
        return self.low > self.chance


def headline(manifest: dict[str, Any]) -> list[HeadlineFigure]:
    """Return one figure per pair of kinds, that of the most queries, in the order of the manifest."""
    found: dict[tuple[str, str], HeadlineFigure] = {}
    for one in _figures(manifest):
        known = found.get((one.asked, one.found))
        if known is None or one.n > known.n:
            found[one.asked, one.found] = one
    return list(found.values())


def _figures(manifest: dict[str, Any]) -> Iterator[HeadlineFigure]:
    for row in manifest.get("figures", {}).get("rows", []):
        asked, arrow, found = row.get("task", "").split(" ")[0].partition(ARROW)
        measured, chance = row.get(MEASURE), row.get(f"chance_{MEASURE}")
        if arrow and row.get("representation") == CODE and isinstance(measured, dict) and chance is not None:
            yield HeadlineFigure(
                asked,
                found,
                measured["value"],
                measured["low"],
                measured["high"],
                chance,
                measured["n"],
                row.get("patients", measured["n"]),
            )
