"""The gate's table and its verdict as lines for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.learning import gate

if TYPE_CHECKING:
    from engine.learning.gate import GateRow
    from engine.model.release import Release


def gate_report(release: Release) -> str:
    """Return what was measured of a round's release, and whether it passes."""
    about, verdict, rows = release.manifest["round"], gate.verdict(release), gate.table(release)
    head = f"Release {release.name}, from {about['from']}: {about['ratings']} ratings fitted, "
    head += f"{about.get('kept_apart', 0)} held out to measure, {about['seconds']} s"
    columns = f"{'':30}{'n':>6}{'before':>9}{'after':>9}{'difference':>12}   95 % interval"
    table = [_line(row) for section in gate.SECTIONS for row in rows if row.section == section]
    passes = "It passes: no guard fell." if verdict.passed else f"It does not pass: {'; '.join(verdict.failed_guards)}."
    return "\n".join([head, columns, *table, passes])


def _line(row: GateRow) -> str:
    name = {"overall": "P@10 overall", "ratings": "AUC of held-out ratings"}.get(row.section, row.name)
    note = "  falls" if row.falls else "  too few to guard" if row.too_few else ""
    span = f"{row.low:+.3f} to {row.high:+.3f}"
    return f"{name:30}{row.n:>6}{row.before:>9.3f}{row.after:>9.3f}{row.difference:>+12.3f}   {span}{note}"
