"""The releases that a workspace has served or may serve, as a list for people: what made them, how they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.learning import gate
from engine.learning.promotion import history
from engine.learning.round_release import releases_folder, round_releases
from engine.model.release import installed, load_release, releases
from engine.store.promotions import DONE, PromotionRow
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release


FIGURES = ("before", "after", "without")


@dataclass(frozen=True)
class TimelineEntry:
    """One release.

    release        : itself, or None where it is not installed any more
    made_from      : the release its round began with; "" where it is shipped
    ratings, raters, who : of the round
    pairs          : of one visit, that an adaptation learnt from; 0 of a round
    before, after  : P@10 overall, of the held-out patients; None where nothing was measured
    without        : the same of a round without the ratings; None where that was not measured
    passed, failed_guards : the gate's verdict; None where it is shipped
    promotions     : of this release, oldest first
    can_roll_back  : whether it served before
    balance        : by what groups counted equally in the round; "" for as they came
    """

    name: str
    digest: str
    release: Release | None
    serves: bool
    created: str
    made_from: str = ""
    who: str = ""
    ratings: int = 0
    raters: int = 0
    before: float | None = None
    after: float | None = None
    without: float | None = None
    passed: bool | None = None
    failed_guards: tuple[str, ...] = ()
    promotions: tuple[PromotionRow, ...] = ()
    can_roll_back: bool = False
    pairs: int = 0
    balance: str = ""


def timeline(workspace: Workspace) -> list[TimelineEntry]:
    """Return the releases of a workspace, newest first: its rounds', those that served here, the newest shipped one."""
    serving, rows = workspace.releases.serving(), history(workspace)
    shipped = [load_release(path) for path in releases()[-1:]]
    found = {one.digest: one for one in [*shipped, *round_releases(workspace.path)]}
    ends = [*((r.from_release, r.from_digest) for r in rows), *((r.to_release, r.to_digest) for r in rows)]
    served = [*([serving] if serving else []), *ends]
    known: dict[str, tuple[str, Release | None]] = {digest: (one.name, one) for digest, one in found.items()}
    for name, digest in served:
        known.setdefault(digest, (name, installed(name, digest, releases_folder(workspace.path))))
    ordered = sorted(known.items(), key=lambda item: _age(item[1][0]), reverse=True)
    return [_entry(name, digest, one, serving, rows) for digest, (name, one) in ordered]


def _entry(
    name: str, digest: str, release: Release | None, serving: tuple[str, str] | None, rows: list[PromotionRow]
) -> TimelineEntry:
    mine = tuple(row for row in rows if row.to_digest == digest and row.state == DONE)
    manifest = release.manifest if release is not None else {}
    made, about = manifest.get("created", ""), manifest.get("round")
    serves = serving is not None and serving[1] == digest
    served = any(row.state == DONE and digest in (row.from_digest, row.to_digest) for row in rows)
    if release is None or about is None:
        return TimelineEntry(name, digest, release, serves, made, promotions=mine, can_roll_back=served)
    table, verdict = gate.table(release), gate.verdict(release)
    overall = next((row for row in table if row.section == "overall"), None)
    before, after, without = (None if overall is None else getattr(overall, name) for name in FIGURES)
    return TimelineEntry(
        name,
        digest,
        release,
        serves,
        about.get("began", made),
        about["from"],
        about.get("who", ""),
        about.get("ratings", 0),
        len(about.get("raters", ())),
        before,
        after,
        without,
        verdict.passed,
        verdict.failed_guards,
        mine,
        served,
        about.get("adaptation", {}).get("pairs", 0),
        about.get("plan", {}).get("balance", ""),
    )


def _age(name: str) -> tuple[int, ...]:
    """r2.10 after r2.9 after r2."""
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in name.split("."))
