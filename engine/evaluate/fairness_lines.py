"""The figures of groups as lines of text: a table per population and fact, gaps beside their bands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.evaluate.fairness import (
    BASE_RATES,
    CALIBRATION,
    FOUND,
    INSIDE,
    LET_IN,
    LIFT,
    ODDS,
    OWN,
    PRECISION,
    READ,
    REFUSED,
    SET_BITS,
)
from engine.metrics.fairness import FEWEST

SHOWN = (PRECISION, LIFT, FOUND, LET_IN, INSIDE, OWN, CALIBRATION, REFUSED)
WIDTH = 26
CHANCE_ONLY = "The gap in P@5 is within chance once each group's own chance is taken off: it follows base rates."


def as_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the figures of `casebind evaluate fairness`; a group of few patients stands in brackets."""
    split = f", split {found['split']}" if found["split"] else ", its workspace"
    yield (
        f"fairness: release {found['release']}{split}, {found['bits']} bits, {found['operating_point']}; "
        "value (95 % interval by patient); gap (95th percentile of shuffled groups)"
    )
    for one in found["sections"]:
        yield from _section(one)
    yield ""
    looked = found["looked_at"]
    yield f"{looked['beyond']} of {looked['gaps']} gaps are beyond chance; chance alone puts one in twenty there."
    for one in found["few"]:
        yield f"{one['by']}: {one['patients']} people in all splits, {one['here']} in this one: nothing can be said."
    for one in found["small"]:
        yield f"{one['query']} of {one['source']}: {one['patients']} people: no groups are compared."
    for one in found["unknown"]:
        yield f"{one}: not known, so not compared."
    yield from (f"Note: {note}" for note in found["notes"])


def _section(one: Mapping[str, Any]) -> Iterator[str]:
    marked = " (synthetic)" if one.get("synthetic") else ""
    yield f"\n{one['query']}→{one['target']}, {one['source'] or 'all'}, by {one['by']}{marked}"
    named = [name for name in SHOWN if any(name in group["figures"] for group in one["groups"])]
    yield f"  {'':<30}{'patients':>9}{'studies':>9}  " + "".join(f"{name:<{WIDTH}}" for name in named).rstrip()
    for group in one["groups"]:
        name = f"[{group['name']}]" if group["few"] else group["name"]
        cells = "".join(f"{_figure(group['figures'].get(metric)):<{WIDTH}}" for metric in named)
        yield f"  {name:<30}{group['patients']:>9}{group['studies']:>9}  {cells}".rstrip()
    if not one["gaps"]:
        yield f"  fewer than two groups have {FEWEST} patients: no gap is claimed"
        return
    cells = "".join(f"{_gap(one['gaps'].get(metric)):<{WIDTH}}" for metric in named)
    yield f"  {'gap':<48}  {cells}".rstrip()
    yield f"  {ODDS} {_gap(one['gaps'].get(ODDS))}"
    if one["explained"] == BASE_RATES:
        yield f"  {CHANCE_ONLY}"
    if one["codes"]:
        bits = one["codes"][SET_BITS]
        read = "; ".join(f"{r['group']} {_figure(r)} [{r['band']:.3f}]" for r in one["codes"][READ])
        yield f"  {SET_BITS} {bits['value']} of {bits['of']} [{bits['band']:.0f}]; {READ} by AUROC: {read}"
    if one["radii"]:
        yield from _radii(one["radii"])


def _radii(one: Mapping[str, Any]) -> Iterator[str]:
    if not one["before"]["beyond"]:
        return
    radii = "/".join(str(radius) for radius in one["radii"].values())
    kept = f"keeps {_figure(one['kept_found'])} of {FOUND} and {_figure(one['kept_precision'])} of precision inside"
    yield (
        f"  radii {radii} instead of {one['common']}: {ODDS} {_spread(one['before'])} → {_spread(one['after'])}, "
        f"{FOUND} {_spread(one['found_before'])} → {_spread(one['found_after'])}; {kept}; "
        + ("offered" if one["offered"] else "not offered: the gap stays, or they cost too much")
    )


def _spread(gap: Mapping[str, Any]) -> str:
    return f"{gap['value']:.3f} ({gap['low']:.3f}–{gap['high']:.3f}) [{gap['band']:.3f}]"


def _figure(one: Mapping[str, Any] | None) -> str:
    if one is None or one["value"] is None:
        return "–"
    if one["low"] is None:
        return f"{one['value']:.3f}"
    return f"{one['value']:.3f} ({one['low']:.3f}–{one['high']:.3f})"


def _gap(one: Mapping[str, Any] | None) -> str:
    return "–" if one is None else f"{one['value']:.3f} [{one['band']:.3f}]{' beyond' if one['beyond'] else ''}"
