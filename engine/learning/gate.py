"""Whether a round's release may take the place of the serving one: every figure before and after, and the guards.

What is guarded may fall a little: figures of a few hundred studies move by themselves. What falls further than its
limit is named, and a promotion then needs a reason. A row of few studies is shown and guards nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from engine.retrieval.mean import NAMES

if TYPE_CHECKING:
    from engine.model.release import Release

Section = Literal["overall", "pair", "group", "ratings", "label"]
SECTIONS: tuple[Section, ...] = ("overall", "pair", "group", "ratings", "label")
# Relative falls of P@10; of the held-out ratings' AUC an absolute one. Labels are shown: single ones are too rare
RELATIVE = {"overall": 0.02, "pair": 0.03, "group": 0.05}
RATINGS = 0.02
LEAST = 30  # studies, or rated pairs, that a guard needs
UNMEASURED = "nothing was measured"
ROUNDING = 1e-9


@dataclass(frozen=True)
class Row:
    """One figure before and after.

    name             : "" overall, "ecg>cxr", "sex F", a finding, or "AUC"
    n                : studies of the frozen set that ask, or rated pairs that were held out
    before, after    : P@10 by shared finding at 256 bits, or the AUC of the distance against the marks
    low, high        : 95 % interval of the difference, by patient
    guarded          : whether it is one of those that may not fall, and has enough studies
    falls            : whether it fall further than its limit
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

    @property
    def too_few(self) -> bool:
        """Whether it would be guarded if there were more studies."""
        return self.section in (*RELATIVE, "ratings") and self.n < LEAST


@dataclass(frozen=True)
class Verdict:
    """passes : no guard fell. falls : those that did, in words"""

    passes: bool
    falls: tuple[str, ...]


def judged(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with what is guarded and what falls."""
    return [_judged(row) for row in rows]


def table(release: Release) -> list[Row]:
    """Return what was measured of a round's release, judged by the limits of today; empty where nothing was."""
    return judged([Row(**row) for row in release.manifest.get("round", {}).get("gate", [])])


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows as JSON, for the manifest and `--json`."""
    return [{name: round(v, 5) if isinstance(v, float) else v for name, v in asdict(row).items()} for row in rows]


def verdict(release: Release) -> Verdict:
    """Return whether a release passes; one of which nothing was measured does not."""
    return verdict_of(table(release))


def verdict_of(rows: Sequence[Row]) -> Verdict:
    """Return whether judged rows pass."""
    if not any(row.section == "overall" and row.guarded for row in rows):
        return Verdict(False, (UNMEASURED,)) if not rows else Verdict(False, (_too_few(rows), *_falls(rows)))
    falls = _falls(rows)
    return Verdict(not falls, falls)


def limit(section: str) -> str:
    """Return how far a section's rows may fall, in words; empty where they are not guarded."""
    return f"{RATINGS:g}" if section == "ratings" else f"{100 * RELATIVE[section]:.0f} %" if section in RELATIVE else ""


def _judged(row: Row) -> Row:
    if row.section not in (*RELATIVE, "ratings") or row.n < LEAST:
        return replace(row, guarded=False, falls=False)
    allowed = RATINGS if row.section == "ratings" else RELATIVE[row.section] * row.before
    return replace(row, guarded=True, falls=row.after < row.before - allowed - ROUNDING)


def _falls(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(_words(row) for row in rows if row.falls)


def _words(row: Row) -> str:
    if row.section == "ratings":
        return f"AUC of held-out ratings falls by {row.before - row.after:.3f} (limit {limit('ratings')})"
    query, _, target = (NAMES.get(part, part) for part in row.name.partition(">"))
    named = {"overall": "overall", "pair": f"of {query} to {target}", "group": f"of {row.name}"}[row.section]
    share = 100 * (1 - row.after / row.before)
    return f"P@10 {named} falls by {share:.1f} % (limit {limit(row.section)})"


def _too_few(rows: Sequence[Row]) -> str:
    n = next((row.n for row in rows if row.section == "overall"), 0)
    return f"the frozen set has {n} studies that can ask and {LEAST} are needed"
