"""The gate's table and its verdict as lines for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.learning import gate

if TYPE_CHECKING:
    from engine.learning.gate import GateRow
    from engine.model.release import Release


NAMES = {"overall": "P@10 overall", "ratings": "AUC of held-out ratings"}


def gate_report(release: Release) -> str:
    """Return what was measured of a round's release, and whether it passes."""
    about, verdict, rows = release.manifest["round"], gate.verdict(release), gate.table(release)
    bound = about.get("adaptation")
    fitted = f"{about['ratings']} ratings" if bound is None else f"{bound['pairs']} pairs"
    head = f"Release {release.name}, from {about['from']}: {fitted} fitted, "
    head += f"{about.get('kept_apart', 0)} held out to measure, {about['seconds']} s"
    balance = about.get("plan", {}).get("balance")
    head += f"; groups by {balance} count equally" if balance else ""
    columns = f"{'':30}{'n':>6}{'before':>9}{'without':>9}{'after':>9}{'difference':>12}   95 % interval"
    table = [_line(row) for section in gate.SECTIONS for row in rows if row.section == section]
    if bound is None:
        table += [""] + [_on_ratings(row) for row in rows if row.section in ("overall", "ratings")]
    passes = (
        "It passes: no figure falls further than it may."
        if verdict.passed
        else f"It does not pass: {'; '.join(verdict.failed_guards)}."
    )
    return "\n".join([head, columns, *table, passes])


def _on_ratings(row: GateRow) -> str:
    """Return what the ratings did by one row: against the same round without a rating."""
    name, verdict = NAMES[row.section], row.verdict_on_ratings
    if verdict == "not_measured" or row.earned is None:
        return f"{name}: what the ratings did was not measured."
    if verdict == "too_few":
        return f"{name}: too few to say what the ratings did, {row.n} where {gate.MIN_STUDIES} are needed."
    said = {"more": "more than", "less": "less than", "chance": "no difference beyond chance from"}[verdict]
    span = f"{row.earned_low:+.3f} to {row.earned_high:+.3f}"
    return f"{name}: {said} without the ratings, {row.earned:+.3f} ({span})."


def _line(row: GateRow) -> str:
    name = NAMES.get(row.section, row.name)
    note = "  falls" if row.falls else "  too few to guard" if row.too_few else ""
    span = f"{row.low:+.3f} to {row.high:+.3f}"
    without = "–" if row.without is None else f"{row.without:.3f}"
    return f"{name:30}{row.n:>6}{row.before:>9.3f}{without:>9}{row.after:>9.3f}{row.difference:>+12.3f}   {span}{note}"
