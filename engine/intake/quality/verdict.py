"""What the gate says: one Measure per index, one Verdict per study."""

from __future__ import annotations

from dataclasses import dataclass

from engine.intake.quality.thresholds import Limit

NAMED_REASONS = 4  # more sentences than this are counted, not listed


@dataclass(frozen=True)
class Measure:
    """One index of one lead, film or segment against its threshold.

    name      : "flat share", for one lead "V3: flat share"
    value     : in `unit`
    threshold : the limit that was applied, same unit
    sentence  : the number, the threshold and, where it failed, what to do
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


def check_limit(limit: Limit, value: float, *, name: str, subject: str, says: str, advice: str) -> Measure:
    """Compare a value with a limit and say so in one sentence.

    says : what the number means, with {value}; e.g. "is flat for {value} of the window"
    """
    passed = limit.allows(value)
    word = "limit" if limit.side == "max" else "at least"
    told = f"{subject} {says.format(value=number(value, limit.unit))} ({word} {number(limit.value, limit.unit)})"
    return Measure(name, float(value), limit.value, limit.unit, passed, f"{told}." if passed else f"{told}: {advice}.")


def listed(reasons: list[str]) -> tuple[str, ...]:
    """Keep the first few reasons and count the rest."""
    unique = list(dict.fromkeys(reasons))
    rest = len(unique) - NAMED_REASONS
    return tuple(unique) if rest <= 1 else (*unique[:NAMED_REASONS], f"{rest} further limits were exceeded.")
