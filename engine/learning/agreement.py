"""How far raters agree: overall, rater by rater and pair by pair, each with its number of pairs and an interval.

Overall: Krippendorff's alpha for ordinal marks (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011). Two
raters: kappa with linear weights (Cohen 1968). The 95 % intervals are of 1,000 draws of the rated pairs with
replacement, computed for all draws at once. The tests hold alpha against the package krippendorff, kappa against
scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from engine.store.records import MARKS, Rating

RANK: dict[str, int] = {mark: rank for rank, mark in enumerate(reversed(MARKS))}  # irrelevant 0, partly 1, relevant 2
RANKS = len(RANK)
DRAWS, SEED = 1000, 0
ONE_RATER, NO_OVERLAP, ALL_EQUAL = "one_rater", "no_overlap", "all_equal"  # why there is no value


@dataclass(frozen=True)
class Coefficient:
    """One coefficient. value, low, high : None where undefined, `reason` says why

    n : rated pairs that two raters or more share; raters : who rated them
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    raters: int
    reason: str = ""


@dataclass(frozen=True)
class Kappa:
    """The weighted kappa of two raters."""

    first: str
    second: str
    coefficient: Coefficient


@dataclass(frozen=True)
class Disputed:
    """How far the raters of one pair lie apart: 0 all alike, 1 relevant against irrelevant, the mean of all couples."""

    query_id: str
    study_id: str
    apart: float
    ratings: tuple[tuple[str, str], ...]  # (rater, mark), by rater


@dataclass(frozen=True)
class Agreement:
    """The whole panel: alpha over everyone, kappa per two raters, and the shared pairs, most disputed first."""

    alpha: Coefficient
    kappas: tuple[Kappa, ...]
    pairs: tuple[Disputed, ...]


def agreement(ratings: Sequence[Rating]) -> Agreement:
    """Return how far the raters of these judgements agree; skips are left out."""
    table, raters, pairs = table_of(ratings)
    kappas = tuple(
        Kappa(raters[a], raters[b], kappa(table[a], table[b])) for a, b in combinations(range(len(raters)), 2)
    )
    return Agreement(alpha(table), kappas, disputed(table, raters, pairs))


def table_of(ratings: Sequence[Rating]) -> tuple[np.ndarray, list[str], list[tuple[str, str]]]:
    """Return ranks (raters, pairs) int64, -1 where not rated, with the raters and the pairs in order."""
    judged = [one for one in ratings if one.mark in RANK]
    raters, pairs = sorted({one.rater for one in judged}), sorted({one.pair for one in judged})
    row, column = ({name: at for at, name in enumerate(names)} for names in (raters, pairs))
    table = np.full((len(raters), len(pairs)), -1, np.int64)
    for one in judged:
        table[row[one.rater], column[one.pair]] = RANK[one.mark]
    return table, raters, pairs


def alpha(table: np.ndarray, draws: int = DRAWS, seed: int = SEED) -> Coefficient:
    """Return ordinal alpha of ranks (raters, pairs), -1 where not rated."""
    counts = _counts(table)
    counts = counts[counts.sum(axis=1) > 1]  # a pair that one person rated says nothing about agreement
    shared = (table >= 0).sum(axis=0) > 1
    raters, n = int((table[:, shared] >= 0).any(axis=1).sum()), len(counts)
    reason = _undefined(counts, len(table))
    if reason:
        return Coefficient(None, None, None, n, raters or len(table), reason)
    coincidences = _coincidences(counts)
    value = float(alphas(coincidences.sum(axis=0, keepdims=True))[0])
    low, high = _interval(coincidences, alphas, draws, seed)
    return Coefficient(value, low, high, n, raters)


def kappa(first: np.ndarray, second: np.ndarray, draws: int = DRAWS, seed: int = SEED) -> Coefficient:
    """Return the linearly weighted kappa of two raters' ranks (pairs,), -1 where not rated."""
    both = (first >= 0) & (second >= 0)
    one, two = first[both], second[both]
    reason = NO_OVERLAP if not len(one) else ALL_EQUAL if len({*one.tolist(), *two.tolist()}) == 1 else ""
    if reason:
        return Coefficient(None, None, None, len(one), 2, reason)
    from sklearn.metrics import cohen_kappa_score

    value = float(cohen_kappa_score(one, two, labels=range(RANKS), weights="linear"))
    table = np.zeros((len(one), RANKS, RANKS))
    table[np.arange(len(one)), one, two] = 1
    low, high = _interval(table, kappas_of, draws, seed)
    return Coefficient(value, low, high, len(one), 2)


def disputed(table: np.ndarray, raters: Sequence[str], pairs: Sequence[tuple[str, str]]) -> tuple[Disputed, ...]:
    """Return the pairs that two raters or more share, most disputed first, then by their ids."""
    found = []
    for column, (query_id, study_id) in enumerate(pairs):
        who = np.flatnonzero(table[:, column] >= 0).tolist()
        if len(who) < 2:
            continue
        ranks = table[who, column].tolist()
        apart = np.mean([abs(a - b) for a, b in combinations(ranks, 2)]) / (RANKS - 1)
        marks = tuple((raters[at], MARKS[RANKS - 1 - rank]) for at, rank in zip(who, ranks, strict=True))
        found.append(Disputed(query_id, study_id, float(apart), marks))
    return tuple(sorted(found, key=lambda one: (-one.apart, one.query_id, one.study_id)))


def alphas(coincidences: np.ndarray) -> np.ndarray:
    """Return ordinal alpha of each coincidence matrix (draws, ranks, ranks); NaN where undefined."""
    totals = coincidences.sum(axis=2)  # (draws, ranks): marks of each rank
    n = totals.sum(axis=1)
    upto = np.cumsum(totals, axis=1)
    low, high = np.arange(RANKS)[:, None], np.arange(RANKS)[None]
    least, most = np.minimum(low, high), np.maximum(low, high)
    between = upto[:, most] - upto[:, least] + totals[:, least]  # marks from one rank to the other
    apart = np.where(low == high, 0.0, between - (totals[:, least] + totals[:, most]) / 2) ** 2
    observed = (coincidences * apart).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None] * apart).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - (n - 1) * observed / expected


def kappas_of(tables: np.ndarray) -> np.ndarray:
    """Return linearly weighted kappa of each table of counts (draws, ranks, ranks); NaN where undefined."""
    share = tables / tables.sum(axis=(1, 2), keepdims=True)
    apart = np.abs(np.arange(RANKS)[:, None] - np.arange(RANKS)[None])
    chance = share.sum(axis=2)[:, :, None] * share.sum(axis=1)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - (share * apart).sum(axis=(1, 2)) / (chance * apart).sum(axis=(1, 2))


def _interval(
    parts: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], draws: int, seed: int
) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a statistic of summed parts (pairs, ranks, ranks), pairs drawn with replacement.

    Pairs of equal parts are drawn together: their number in a draw is multinomial. Of one pair there is none.
    """
    if len(parts) < 2:
        return None, None
    kinds, times = np.unique(parts.reshape(len(parts), -1), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(parts), times / len(parts), size=draws)  # (draws, kinds)
    values = statistic((drawn @ kinds).reshape(draws, RANKS, RANKS))
    values = values[np.isfinite(values)]
    if len(values) < draws / 2:  # most draws hold one mark only
        return None, None
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def _counts(table: np.ndarray) -> np.ndarray:
    """Return how often each rank was given per pair: (pairs, ranks)."""
    return np.stack([(table == rank).sum(axis=0) for rank in range(RANKS)], axis=1)


def _coincidences(counts: np.ndarray) -> np.ndarray:
    """Return each pair's coincidence matrix: (pairs, ranks) → (pairs, ranks, ranks); pairs of two marks or more."""
    couples = counts[:, :, None] * (counts[:, None] - np.eye(RANKS))
    return couples / (counts.sum(axis=1) - 1)[:, None, None]


def _undefined(counts: np.ndarray, raters: int) -> str:
    if raters < 2:
        return ONE_RATER
    if not len(counts):
        return NO_OVERLAP
    return ALL_EQUAL if (counts.sum(axis=0) > 0).sum() == 1 else ""
