"""Whether a round's release may take the place of the serving one: every figure before and after, and the guards.

What is guarded may fall a little: figures of a few hundred studies move by themselves. What falls further than its
limit is named, and a promotion then needs a reason. A row of few studies is shown and guards nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from engine.modalities import MODALITIES, spec_of

if TYPE_CHECKING:
    from engine.model.release import Release

Earned = Literal["not_measured", "too_few", "chance", "more", "less"]
Section = Literal["overall", "pair", "group", "ratings", "label"]
SECTIONS: tuple[Section, ...] = ("overall", "pair", "group", "ratings", "label")
# Relative falls of P@10; of the held-out ratings' AUC an absolute one. Labels are shown: single ones are too rare
RELATIVE_LIMITS = {"overall": 0.02, "pair": 0.03, "group": 0.05}
RATINGS_LIMIT = 0.02
MIN_STUDIES = 30  # studies, or rated pairs, that a guard needs
UNMEASURED = "nothing was measured, since no held-out study carries a label"
ROUNDING = 1e-9


@dataclass(frozen=True)
class GateRow:
    """One figure before and after.

    name             : "" overall, "ecg>cxr", "sex F", a finding, or "AUC"
    n                : held-out studies that ask, or held-out rated pairs
    before, after    : P@10 by shared finding at 256 bits, or the AUC of the distance against the marks
    low, high        : 95 % interval of the difference, by patient
    without          : the same of a round on the original pairs alone; None where that was not measured
    earned           : after − without, what the ratings did; earned_low, earned_high : its 95 % interval, by patient
    guarded          : whether a fall counts against the release: its section is guarded, and it has enough studies
    falls            : whether it falls further than its limit
    """

    section: Section
    name: str
    n: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    guarded: bool = False
    falls: bool = False
    without: float | None = None
    earned: float | None = None
    earned_low: float | None = None
    earned_high: float | None = None

    @property
    def verdict_on_ratings(self) -> Earned:
        """What can be said of the ratings by this row: nothing, chance, or that they helped or harmed."""
        low, high = self.earned_low, self.earned_high
        if self.earned is None or low is None or high is None:
            return "not_measured"
        if self.n < MIN_STUDIES or not (math.isfinite(low) and math.isfinite(high)):
            return "too_few"
        return "more" if low > 0 else "less" if high < 0 else "chance"

    @property
    def too_few(self) -> bool:
        """Whether it would be guarded if there were more studies."""
        return self.section in (*RELATIVE_LIMITS, "ratings") and self.n < MIN_STUDIES


@dataclass(frozen=True)
class GateVerdict:
    """Whether every guard held. failed_guards : those that fell, in words"""

    passed: bool
    failed_guards: tuple[str, ...]


def apply_guards(rows: Sequence[GateRow]) -> list[GateRow]:
    """Return the rows with their guards applied: which ones are guarded, and which fall."""
    return [_apply_guard(row) for row in rows]


def table(release: Release) -> list[GateRow]:
    """Return what was measured of a round's release, judged by the limits of today; empty where nothing was."""
    return apply_guards([GateRow(**row) for row in release.manifest.get("round", {}).get("gate", [])])


def rows_as_json(rows: Sequence[GateRow]) -> list[dict[str, Any]]:
    """Return rows as JSON, for the manifest and `--json`."""
    return [{name: round(v, 5) if isinstance(v, float) else v for name, v in asdict(row).items()} for row in rows]


def verdict(release: Release) -> GateVerdict:
    """Return whether a release passes; a release without measurements fails."""
    return verdict_of(table(release))


def verdict_of(rows: Sequence[GateRow]) -> GateVerdict:
    """Return whether judged rows pass."""
    if not any(row.section == "overall" and row.guarded for row in rows):
        return (
            GateVerdict(False, (UNMEASURED,))
            if not rows
            else GateVerdict(False, (_too_few(rows), *_failed_guards(rows)))
        )
    falls = _failed_guards(rows)
    return GateVerdict(not falls, falls)


def limit(section: str) -> str:
    """Return how far a section's rows may fall, in words; empty where they are not guarded."""
    return (
        f"{RATINGS_LIMIT:g}"
        if section == "ratings"
        else f"{100 * RELATIVE_LIMITS[section]:.0f} %"
        if section in RELATIVE_LIMITS
        else ""
    )


def _apply_guard(row: GateRow) -> GateRow:
    if row.section not in (*RELATIVE_LIMITS, "ratings") or row.n < MIN_STUDIES:
        return replace(row, guarded=False, falls=False)
    allowed = RATINGS_LIMIT if row.section == "ratings" else RELATIVE_LIMITS[row.section] * row.before
    return replace(row, guarded=True, falls=row.after < row.before - allowed - ROUNDING)


def _failed_guards(rows: Sequence[GateRow]) -> tuple[str, ...]:
    return tuple(_words(row) for row in rows if row.falls)


def _words(row: GateRow) -> str:
    if row.section == "ratings":
        return f"AUC of held-out ratings falls by {row.before - row.after:.3f} (limit {limit('ratings')})"
    query, _, target = (spec_of(part).noun if part in MODALITIES else part for part in row.name.partition(">"))
    named = {"overall": "overall", "pair": f"of {query} to {target}", "group": f"of {row.name}"}[row.section]
    share = 100 * (1 - row.after / row.before)
    return f"P@10 {named} falls by {share:.1f} % (limit {limit(row.section)})"


def _too_few(rows: Sequence[GateRow]) -> str:
    n = next((row.n for row in rows if row.section == "overall"), 0)
    return f"the held-out set has {n} studies that can ask and {MIN_STUDIES} are needed"
