"""A radius for each group: post-processing that brings true- and false-positive rates together (Hardt et al. 2016).

Radii are chosen on half of the patients who ask and judged on the others, and the other way round, so that no patient
judges radii that they helped to choose. They are worth offering where the gap is more than chance; where it is not,
they would move noise. Calibration is not made equal by them, and cannot be while base rates differ (Kleinberg 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from engine.metrics.fairness import Gap, Grouped, gap, ratio
from engine.metrics.probe_fit import folds
from engine.metrics.resampling import Estimate, Statistic, measured

REACH = 8  # bits that a group's radius may differ from the common one
MOST_GROUPS = 4  # of more, too many combinations
LOSS = 0.02  # of true-positive rate and of precision inside, relative, that radii may cost


@dataclass(frozen=True, eq=False)
class Pairs:
    """Who asks whom: distance (q, g) int, relevant (q, g) bool, allowed (q, g) bool: of different patients."""

    distance: np.ndarray
    relevant: np.ndarray
    allowed: np.ndarray

    def counts(self, radius: np.ndarray) -> list[np.ndarray]:
        """Count relevant and other pairs inside a radius (q,), and all of them, by who asks: four of (q,) float."""
        inside = (self.distance <= radius[:, None]) & self.allowed
        parts = (inside & self.relevant, inside & ~self.relevant, self.allowed & self.relevant)
        return [part.sum(1).astype(np.float64) for part in (*parts, self.allowed & ~self.relevant)]


@dataclass(frozen=True)
class RadiiTrial:
    """What radii per group do, on patients who did not choose them.

    common        : the radius of everybody       radii : group → radius, chosen on all
    before, after : the equalized odds gap        found_before, found_after : the gap in true-positive rate alone
    kept_found, kept_precision : share of true-positive rate and of precision inside that is left, with interval
    """

    common: int
    radii: dict[str, int]
    before: Gap
    after: Gap
    found_before: Gap
    found_after: Gap
    kept_found: Estimate
    kept_precision: Estimate

    @property
    def offered(self) -> bool:
        """Whether the gap is more than chance, radii bring it inside its band, and they cost no more than LOSS."""
        kept = min(self.kept_found.value, self.kept_precision.value)
        return self.before.beyond and not self.after.beyond and kept >= 1 - LOSS


def chosen(pairs: Pairs, groups: Grouped, common: int, asking: np.ndarray) -> dict[int, int]:
    """Return group number → radius, of the large groups: the least equalized odds gap among `asking` (q,) bool.

    Those that would lose more than LOSS of the true-positive rate or the precision of one radius are left out; of equal
    ones, the least change counts.
    """
    steps = np.arange(max(0, common - REACH), common + REACH + 1)
    of_step = [pairs.counts(np.full(len(pairs.distance), step)) for step in steps]
    table = np.array(  # (groups, steps, 4) summed counts
        [[[part[asking & (groups.member == at)].sum() for part in parts] for parts in of_step] for at in groups.large]
    )
    every = np.array(list(product(range(len(steps)), repeat=len(groups.large))))
    taken = table[np.arange(len(groups.large)), every]  # (combinations, groups, 4)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = taken[..., :2] / taken[..., 2:]
        odds = np.ptp(rates, axis=1).max(1)
        found = taken[..., 0].sum(1) / taken[..., 2].sum(1)
        precision = taken[..., 0].sum(1) / taken[..., :2].sum((1, 2))
    (now,) = np.flatnonzero((steps[every] == common).all(1))
    cheap = (found >= (1 - LOSS) * found[now]) & (precision >= (1 - LOSS) * precision[now]) & np.isfinite(odds)
    if not cheap.any():
        return dict.fromkeys(groups.large, common)
    change = np.abs(steps[every] - common).sum(1)
    best = np.lexsort((change, np.where(cheap, np.round(odds, 6), np.inf)))[0]
    return {at: int(steps[step]) for at, step in zip(groups.large, every[best], strict=True)}


def tried(pairs: Pairs, groups: Grouped, common: int) -> RadiiTrial | None:
    """Return what radii per group do to patients who did not choose them; None where groups are too few or too many."""
    if not 2 <= len(groups.large) <= MOST_GROUPS:
        return None
    half, radius = folds(groups.patients, 2), np.full(len(pairs.distance), common)
    known = np.isin(groups.member, groups.large)
    for number in (0, 1):
        for at, mine in chosen(pairs, groups, common, (half != number) & known).items():
            radius[(half == number) & (groups.member == at)] = mine
    before, after = pairs.counts(np.full(len(radius), common)), pairs.counts(radius)
    gaps = [gap(rates, groups) for rates in (_rates(before), _rates(after), _rates(before)[:1], _rates(after)[:1])]
    odds, odds_after, found, found_after = gaps
    if odds is None or odds_after is None or found is None or found_after is None:
        return None
    final = chosen(pairs, groups, common, known)
    return RadiiTrial(
        common,
        {groups.names[at]: mine for at, mine in final.items()},
        odds,
        odds_after,
        found,
        found_after,
        measured(_kept(before, after, known, (0,), (2,)), groups.patients, groups.drawn),
        measured(_kept(before, after, known, (0,), (0, 1)), groups.patients, groups.drawn),
    )


def _rates(counts: list[np.ndarray]) -> list[Statistic]:
    """Return true- and false-positive rate of counts by who asks."""
    return [ratio(counts[0], counts[2]), ratio(counts[1], counts[3])]


def _kept(
    before: list[np.ndarray], after: list[np.ndarray], known: np.ndarray, part: tuple[int, ...], whole: tuple[int, ...]
) -> Statistic:
    """Return the statistic: a rate after ÷ the same before, of the parts of the counts named."""
    then, now = (
        ratio(*(sum((counts[i] for i in of), start=np.zeros(len(known))) * known for of in (part, whole)))
        for counts in (before, after)
    )
    return lambda weights: now(weights) / then(weights)
