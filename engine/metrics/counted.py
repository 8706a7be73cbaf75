"""How many pairs like this one share a finding: counts in cells of agreement and distance, with an interval.

A pair is a query and one of its ten nearest. What tells best whether the two share a finding is how many of the other
nine share one with that neighbour: nine nearest that agree are rarely wrong, a neighbour that stands alone often is.
Distance comes second. Cells are ranges of agreement, joined until each holds MIN_PAIRS and the share falls with the
agreement (pool adjacent violators, Barlow et al. 1972), and then halved by distance where the nearer half shares more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

NEAREST = 10  # neighbours of each query that are counted
OTHERS = NEAREST - 1
MIN_PAIRS = 100  # of a cell: its share is then known within about ± 10 points
MIN_PATIENTS = 20  # whose queries they are
MAX_HALF_WIDTH = 0.12  # of the 95 % interval, beyond which nothing is claimed
MIN_OF_SOURCE = 20  # pairs of a data set, from which it counts as one that may differ
Z = 1.96  # two-sided 95 %
RULE = (NEAREST, MIN_PAIRS, MIN_PATIENTS, MAX_HALF_WIDTH)  # counts made under another are made again


@dataclass(frozen=True, eq=False)
class Observations:
    """Pairs that were compared.

    distance : (n,) int, bits that differ
    agreeing : (n,) int, 0..9, of the nine other nearest how many share a finding with the neighbour
    sharing  : (n,) float, 1 where the pair shares a finding, 0 where it does not, between for raters who differ
    weight   : (n,) float, 1 for a pair of labelled studies, the raters' reliability for a rated one
    patients : (n,) str, of the query
    sources  : (n,) str, the query's cohort or data set
    """

    distance: np.ndarray
    agreeing: np.ndarray
    sharing: np.ndarray
    weight: np.ndarray
    patients: np.ndarray
    sources: np.ndarray

    def __len__(self) -> int:
        return len(self.distance)

    def take(self, mask: np.ndarray) -> Observations:
        """Return some of the pairs."""
        return Observations(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


@dataclass(frozen=True)
class Cell:
    """Counted pairs of one range of agreement and distance, both ends included.

    pairs, sharing : how many there are, and how many of them share a finding
    low, high      : 95 % interval of the share; patients, and data sets where there are several, are what was drawn
    claimed        : whether that is enough to say it
    """

    agreeing: tuple[int, int]
    distance: tuple[int, int]
    pairs: int
    sharing: int
    low: float
    high: float
    claimed: bool

    @property
    def share(self) -> float:
        """The share of pairs that share a finding, 0..1."""
        return self.sharing / self.pairs if self.pairs else 0.0


def cells_of(observed: Observations, bits: int) -> list[Cell]:
    """Return the cells of pairs under codes of so many bits; empty where there are fewer than MIN_PAIRS."""
    if observed.weight.sum() < MIN_PAIRS:
        return []
    out = []
    for low, high in _ranges(observed):
        inside = observed.take((observed.agreeing >= low) & (observed.agreeing <= high))
        for nearest, furthest in _halves(inside, bits):
            part = inside.take((inside.distance >= nearest) & (inside.distance <= furthest))
            out.append(_cell(part, (low, high), (nearest, furthest)))
    return out


def cell_for(cells: Sequence[Cell], agreeing: int, distance: int) -> Cell | None:
    """Return the cell of a pair, or None where there is none."""
    for cell in cells:
        if cell.agreeing[0] <= agreeing <= cell.agreeing[1] and cell.distance[0] <= distance <= cell.distance[1]:
            return cell
    return None


def _ranges(observed: Observations) -> list[tuple[int, int]]:
    """Return ranges of agreement, most first, each with enough pairs and with no smaller share than the next."""
    pairs = np.bincount(observed.agreeing, observed.weight, NEAREST)
    right = np.bincount(observed.agreeing, observed.weight * observed.sharing, NEAREST)
    ranges: list[list[float]] = []  # low, high, pairs, sharing
    high, n, hits = OTHERS, 0.0, 0.0
    for level in range(OTHERS, -1, -1):
        n, hits = n + pairs[level], hits + right[level]
        if n >= MIN_PAIRS:
            ranges.append([level, high, n, hits])
            high, n, hits = level - 1, 0.0, 0.0
    if high >= 0 and ranges:
        last = ranges[-1]
        ranges[-1] = [0, last[1], last[2] + n, last[3] + hits]
    at = 0
    while at < len(ranges) - 1:
        here, after = ranges[at], ranges[at + 1]
        if here[3] / here[2] < after[3] / after[2]:
            ranges[at : at + 2] = [[after[0], here[1], here[2] + after[2], here[3] + after[3]]]
            at = max(0, at - 1)
        else:
            at += 1
    return [(int(low), int(high)) for low, high, _, _ in ranges]


def _halves(inside: Observations, bits: int) -> list[tuple[int, int]]:
    """Return the ranges of distance: two where both hold enough pairs and the nearer share more, else one."""
    middle = int(np.median(inside.distance))
    near = inside.distance <= middle
    sizes = [float(inside.weight[half].sum()) for half in (near, ~near)]
    if min(sizes) >= MIN_PAIRS:
        shares = [float(np.average(inside.sharing[half], weights=inside.weight[half])) for half in (near, ~near)]
        if shares[0] > shares[1]:
            return [(0, middle), (middle + 1, bits)]
    return [(0, bits)]


def _cell(part: Observations, agreeing: tuple[int, int], distance: tuple[int, int]) -> Cell:
    pairs, right = float(part.weight.sum()), float((part.weight * part.sharing).sum())
    low, high, patients = interval(part)
    enough = pairs >= MIN_PAIRS and patients >= MIN_PATIENTS and (high - low) / 2 <= MAX_HALF_WIDTH
    return Cell(agreeing, distance, round(pairs), round(right), round(low, 4), round(high, 4), enough)


def interval(part: Observations) -> tuple[float, float, int]:
    """Return the 95 % interval of the share, and how many patients it rests on.

    A ratio of sums over patients (Cochran 1977, §6.3), and over data sets where several have enough pairs; never
    narrower than the interval of Wilson (1927) for so many patients.
    """
    share = float(np.average(part.sharing, weights=part.weight))
    error, patients = _clustered(part, part.patients, share)
    large = [name for name in np.unique(part.sources) if part.weight[part.sources == name].sum() >= MIN_OF_SOURCE]
    if len(large) > 1:
        several = part.take(np.isin(part.sources, large))
        error = max(error, _clustered(several, several.sources, share)[0])
    centre, half = _wilson(share, patients)
    low, high = min(share - Z * error, centre - half), max(share + Z * error, centre + half)
    return max(0.0, low), min(1.0, high), patients


def _clustered(part: Observations, groups: np.ndarray, share: float) -> tuple[float, int]:
    """Return the standard error of the share when whole groups are drawn, and how many groups there are."""
    names, number = np.unique(groups, return_inverse=True)
    off = np.bincount(number, part.weight * (part.sharing - share), len(names))
    scale = len(names) / max(1, len(names) - 1)
    return float(np.sqrt(scale * (off**2).sum()) / part.weight.sum()), len(names)


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Return the middle and half the width of Wilson's interval."""
    grown = 1 + Z**2 / n
    centre = (share + Z**2 / (2 * n)) / grown
    return centre, Z * float(np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))) / grown
