"""One rater's own figures: how many marks, how alike others' and the own earlier ones, and how long a pair takes.

Intervals of shares are Wilson's, those of a mean change are of 1,000 draws of the pairs with replacement; there is none
below five pairs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from engine.actor import Actor
from engine.learning.agreement import RANK, RANKS
from engine.learning.checks import REPEAT
from engine.learning.queue import may_be_shown, shown_ratings
from engine.store import check_pairs
from engine.store.check_pairs import CheckPair
from engine.store.records import SKIP, Rating

if TYPE_CHECKING:
    from engine.workspace.workspace import Workspace

FEWEST = 5  # pairs of an interval
DRAWS, SEED = 1000, 0
PAUSE_S = 300.0  # between two marks; a longer time is a break and says nothing about a pair


@dataclass(frozen=True)
class MeanOverPairs:
    """A mean over pairs. low, high : 95 % interval, None below FEWEST pairs; n : pairs"""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Dashboard:
    """The figures of one rater; None where there is nothing to count.

    by_mark : mark → how many, skips as well; skipped ones are no judgement
    with_others : share of others' marks on the same pairs that are the same
    seconds : lower quartile, median and upper quartile of the time a pair takes; timed : of how many pairs
    repeated : share of the own pairs read again that got the same mark
    drift : mean change of those, in marks: above 0 is more generous than before
    checked : share of the known pairs that got the agreed mark
    """

    by_mark: dict[str, int]
    with_others: MeanOverPairs | None
    seconds: tuple[float, float, float] | None
    timed: int
    repeated: MeanOverPairs | None
    drift: MeanOverPairs | None
    checked: MeanOverPairs | None
    last: datetime | None

    @property
    def n(self) -> int:
        """How many judgements."""
        return sum(count for mark, count in self.by_mark.items() if mark != SKIP)


@dataclass(frozen=True)
class RaterLine:
    """One rater as whoever assigns pairs sees them. n : judgements; last : of the last mark; checked : as Dashboard"""

    who: str
    n: int
    last: datetime | None
    checked: MeanOverPairs | None


def of_everyone(workspace: Workspace, actor: Actor) -> list[RaterLine]:
    """Return a line for everyone who has rated or taken the check here, by name, of pairs that the actor may see."""
    marks: dict[str, list[Rating]] = defaultdict(list)
    for one in shown_ratings(workspace, actor):
        if not one.source:
            marks[one.who].append(one)
    checks: dict[str, list[float]] = defaultdict(list)
    read_pairs = [one for one in check_pairs.readings(workspace.database) if one.kind != REPEAT]
    shown = may_be_shown(workspace, actor, {side for one in read_pairs for side in one.pair})
    for read in read_pairs:
        if read.who == actor.name or shown.issuperset(read.pair):
            checks[read.who].append(float(read.is_same))
    return [
        RaterLine(who, len(marks[who]), max((one.created_at for one in marks[who]), default=None), share(checks[who]))
        for who in sorted({*marks, *checks})
    ]


def of_rater(workspace: Workspace, actor: Actor) -> Dashboard:
    """Return the rater's figures; of others' marks only those on pairs that the rater has judged and may see."""
    own = workspace.ratings(actor=actor, skips=True)
    read_again = check_pairs.readings(workspace.database, actor.name)
    repeats = [one for one in read_again if one.kind == REPEAT]
    checks = [one for one in read_again if one.kind != REPEAT]
    seconds = times(own)
    return Dashboard(
        dict(Counter(one.mark for one in own)),
        share(shares_alike(own, shown_ratings(workspace, actor))),
        _quartiles(seconds),
        len(seconds),
        share([float(one.is_same) for one in repeats]),
        mean_change([_change(one) for one in repeats]),
        share([float(one.is_same) for one in checks]),
        max((one.created_at for one in own), default=None),
    )


def shares_alike(own: Sequence[Rating], everyone: Sequence[Rating]) -> list[float]:
    """Return, for each of the own judgements that others share, the share of others who gave the same mark."""
    mine = {one.pair: one for one in own if one.mark != SKIP}
    alike: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for one in everyone:
        judged = mine.get(one.pair)
        if judged is not None and one.rater != judged.rater:
            alike[one.pair].append(one.mark == judged.mark)
    return [float(np.mean(found)) for found in alike.values()]


def times(own: Sequence[Rating]) -> list[float]:
    """Return the seconds from one mark of a sitting to the next; a pause of five minutes begins another sitting."""
    moments = sorted(one.created_at for one in own)
    return [s for s in ((b - a).total_seconds() for a, b in pairwise(moments)) if s <= PAUSE_S]


def share(values: Sequence[float]) -> MeanOverPairs | None:
    """Return the mean of shares of pairs, 0..1, with Wilson's interval, or None of none."""
    if not values:
        return None
    mean, n = float(np.mean(values)), len(values)
    if n < FEWEST:
        return MeanOverPairs(mean, None, None, n)
    from engine.training.quality_gate import wilson

    return MeanOverPairs(mean, *wilson(mean * n, n), n)


def mean_change(values: Sequence[float]) -> MeanOverPairs | None:
    """Return the mean of changes of pairs with its interval, or None of none."""
    if not values:
        return None
    array = np.asarray(values, np.float64)
    if len(array) < FEWEST:
        return MeanOverPairs(float(array.mean()), None, None, len(array))
    drawn = np.random.default_rng(SEED).choice(array, (DRAWS, len(array))).mean(axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return MeanOverPairs(float(array.mean()), float(low), float(high), len(array))


def _change(one: CheckPair) -> float:
    """Return by how many marks an answer differs from the earlier one, -1..1."""
    return (RANK[str(one.given)] - RANK[one.expected]) / (RANKS - 1)


def _quartiles(seconds: Sequence[float]) -> tuple[float, float, float] | None:
    if not seconds:
        return None
    low, middle, high = np.percentile(seconds, (25, 50, 75))
    return float(low), float(middle), float(high)
