"""How groups fare: one statistic per group with its interval, and the gap beside that of shuffled groups.

A statistic takes weights (rounds, n) of n queries and returns one value a round, NaN where it is undefined, as those of
engine.metrics.resampling do. A group is a mask on the weights, so one statistic serves the figure, its interval by
patient, and every shuffle of the groups.

A gap is the largest figure of a group less the smallest. It is never below 0, so that an interval of it never holds "no
gap": what stands beside it is the band, the 95th percentile of the gaps that remain when the groups are dealt anew
between patients. A group of fewer than FEWEST patients has its figures, and no part in any gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine.metrics.classifying import calibration_error
from engine.metrics.resampling import Estimate, Statistic, draws, measured

FEWEST = 30  # patients of a group from which something is said of it
SHUFFLES = 1000
EXPOSURE_SHUFFLES = 200  # each is a pass over all pairs shown
BAND = 95.0  # percentile of shuffled gaps
AGES = ((0.0, 18.0, "under 18"), (18.0, 40.0, "18 to 39"), (40.0, 65.0, "40 to 64"), (65.0, 200.0, "65 and over"))
NOBODY = -1  # of whom the group is not known


def age_band(age: float | None) -> str:
    """Return the band of an age in years, "" where it is not known."""
    return "" if age is None else next((name for low, high, name in AGES if low <= age < high), "")


@dataclass(frozen=True, eq=False)
class Grouped:
    """Who belongs where.

    names    : the groups
    member   : (n,) int, the number of each entry's group, NOBODY where it is not known
    patients : (n,) str
    """

    names: tuple[str, ...]
    member: np.ndarray
    patients: np.ndarray

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Patients of each group; who has studies in two counts in both."""
        return tuple(len(np.unique(self.patients[self.member == at])) for at in range(len(self.names)))

    @cached_property
    def large(self) -> tuple[int, ...]:
        """Numbers of the groups of which something is said."""
        return tuple(at for at, size in enumerate(self.sizes) if size >= FEWEST)

    @cached_property
    def drawn(self) -> np.ndarray:
        """Bootstrap draws of patients, (rounds, n)."""
        return draws(self.patients)

    @cached_property
    def shuffled(self) -> np.ndarray:
        """Members after the groups were dealt anew, (SHUFFLES, n) int: see `shuffles`."""
        return shuffles(self.member, self.patients)


def grouped(values: Sequence[str], patients: np.ndarray, order: Sequence[str] = ()) -> Grouped:
    """Group entries by a value each, "" where it is not known; names in the order given, others by alphabet after."""
    known = set(values) - {""}
    names = (*(name for name in order if name in known), *sorted(known - set(order)))
    number = {name: at for at, name in enumerate(names)}
    return Grouped(names, np.array([number.get(value, NOBODY) for value in values], int), np.asarray(patients))


def shuffles(member: np.ndarray, patients: np.ndarray, rounds: int = SHUFFLES, seed: int = 0) -> np.ndarray:
    """Deal members anew between patients: (n,) int → (rounds, n) int.

    A patient takes the whole sequence of another's members, from its beginning again where it is too short. So what is
    the same for all studies of a patient (a sex) stays so, and what differs between them (a view) differs as often.
    """
    _, unit = np.unique(patients, return_inverse=True)
    order = np.argsort(unit, kind="stable")
    size = np.bincount(unit)
    first = np.concatenate([[0], size.cumsum()[:-1]])
    place = np.empty(len(unit), int)
    place[order] = np.arange(len(unit)) - np.repeat(first, size)
    rng, out = np.random.default_rng(seed), np.empty((rounds, len(unit)), int)
    for row in out:
        giver = rng.permutation(len(size))[unit]
        row[:] = member[order[first[giver] + place % size[giver]]]
    return out


def ratio(part: np.ndarray, whole: np.ndarray) -> Statistic:
    """Return the statistic Σ part ÷ Σ whole of entries: (n,) each."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        total = weights @ whole
        return np.divide(weights @ part, total, out=np.full(len(weights), np.nan), where=total > 0)

    return statistic


def calibration(bins: np.ndarray) -> Statistic:
    """Return the statistic expected calibration error of (3, n, b) pairs, summed prediction and outcome by bin."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        pairs, summed, happened = (weights @ part for part in bins)
        return np.where(pairs.sum(1) > 0, calibration_error(pairs, summed, happened), np.nan)

    return statistic


def by_group(statistic: Statistic, groups: Grouped) -> list[Estimate]:
    """Return each group's figure with its interval by patient; n counts its entries."""
    out = []
    for at in range(len(groups.names)):
        mine = groups.member == at
        whole = _within(statistic, mine)
        found = measured(whole, groups.patients, groups.drawn)
        out.append(Estimate(found.value, found.low, found.high, int(mine.sum())))
    return out


def _within(statistic: Statistic, mine: np.ndarray) -> Statistic:
    return lambda weights: statistic(weights * mine)


@dataclass(frozen=True)
class Gap:
    """Between the group with most and that with least.

    value, low, high : the gap and its 95 % interval by patient
    band             : the 95th percentile of gaps of shuffled groups
    most, least      : names of the two groups
    """

    value: float
    low: float
    high: float
    band: float
    most: str
    least: str

    @property
    def beyond(self) -> bool:
        """Whether the gap is larger than what shuffled groups show."""
        return self.value > self.band


def gap(statistics: Sequence[Statistic], groups: Grouped) -> Gap | None:
    """Return the gap between the large groups, of several statistics the largest one; None for fewer than two groups.

    Of true- and false-positive rates together it is the equalized odds difference (Hardt, Price, Srebro 2016).
    """
    if len(groups.large) < 2:
        return None
    masks = [groups.member == at for at in groups.large]
    figures = [np.array([float(_within(s, mask)(np.ones((1, len(mask))))[0]) for mask in masks]) for s in statistics]
    spans = [float(np.ptp(of)) if np.isfinite(of).all() else -1.0 for of in figures]
    widest = int(np.argmax(spans))
    if spans[widest] < 0:
        return None
    spread = _gaps(statistics, [groups.drawn * mask for mask in masks])
    luck = _gaps(statistics, [(groups.shuffled == at).astype(np.float64) for at in groups.large])
    named = [groups.names[at] for at in groups.large]
    low, high = np.nanpercentile(spread, [2.5, 97.5])
    most, least = (named[int(at)] for at in (np.argmax(figures[widest]), np.argmin(figures[widest])))
    return Gap(spans[widest], float(low), float(high), float(np.nanpercentile(luck, BAND)), most, least)


def _gaps(statistics: Sequence[Statistic], weights: Sequence[np.ndarray]) -> np.ndarray:
    """Return the gap of each round: weights (rounds, n) of each group → (rounds,), NaN where a group has nothing."""
    found = [np.stack([statistic(mine) for mine in weights]) for statistic in statistics]
    return np.max([of.max(0) - of.min(0) for of in found], axis=0)


def own_share(nearest: np.ndarray, member: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return how much more often a query is shown its own group than the collection holds it: (n,) in -1 … 1.

    Exposure as in Singh and Joachims (2018): the attention that a group is given against its share of the collection.
    nearest : (n, k) int, numbers of the first k entries, -1 past the last
    member  : (n,) int, of the entries that ask and, alike, of those that answer
    unit    : (n,) int, the number of each entry's patient, whose other entries do not answer
    """
    known, width = nearest >= 0, int(member.max(initial=0)) + 2
    shown = (member[nearest] == member[:, None]) & known
    alike = np.bincount(member + 1, minlength=width)[member + 1]
    of_patient = np.bincount(unit * width + member + 1, minlength=(int(unit.max(initial=0)) + 1) * width)
    others = len(member) - np.bincount(unit)[unit]
    held = (alike - of_patient[unit * width + member + 1]) / np.maximum(others, 1)
    return np.asarray(shown.sum(1) / np.maximum(known.sum(1), 1) - held)


def exposure(nearest: np.ndarray, groups: Grouped) -> tuple[list[Estimate], Gap | None]:
    """Return each group's excess of its own among the k nearest, and the gap.

    nearest : (n, k) int as `own_share` takes it. Shuffled groups are shuffled for who asks and who answers alike.
    """
    _, unit = np.unique(groups.patients, return_inverse=True)
    known = (groups.member >= 0).astype(np.float64)
    shown = ratio(own_share(nearest, groups.member, unit) * known, known)
    found = gap([shown], groups)
    if found is None:
        return by_group(shown, groups), None
    luck = []
    for member in groups.shuffled[:EXPOSURE_SHUFFLES]:
        excess = own_share(nearest, member, unit)
        means = [excess[member == at].mean() if (member == at).any() else np.nan for at in groups.large]
        luck.append(max(means) - min(means))
    return by_group(shown, groups), replace(found, band=float(np.nanpercentile(luck, BAND)))


def as_json(found: Gap) -> dict[str, float | str | bool]:
    """Return a gap rounded for JSON."""
    numbers = {name: round(getattr(found, name), 4) for name in ("value", "low", "high", "band")}
    return {**numbers, "beyond": found.beyond, "most": found.most, "least": found.least}
