"""One replay: a strategy offers pairs, the oracle rates them, and after every few ratings a round learns from all.

Half of the patients are offered to raters; the queries of the other half measure, and nobody rated them. What raters
see next comes from the model of the round before, as it does in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.evaluate.learning.collection import ReplayCollection, ReplayData, candidate_pairs, halves, learnt, projected
from engine.evaluate.learning.oracle import Rater, rate_pairs
from engine.evaluate.learning.scores import Scores, scores
from engine.learning.fit import FitPlan, Mapped, RatedPairs, fit
from engine.learning.strategies import BEST, RANDOM, RatedIndices, pick

NONE, ORIGINAL = "none", "original pairs alone"  # arms without ratings: the release before; a round of replay only
NAMELESS = f"{BEST}, nothing named"  # raters who never say which finding they had in mind
ORACLE = Rater()


@dataclass(frozen=True, eq=False)
class Point:
    """After so many ratings: queries of unrated patients against the whole collection, and against unrated ones alone.

    relevant : share of the ratings so far that were marked relevant
    """

    ratings: int
    whole: Scores
    unseen: Scores
    relevant: float


@dataclass(frozen=True, eq=False)
class Attack:
    """Scores of the collection and of the held-out one, before and after a round on an adversary's ratings."""

    before: Scores
    after: Scores
    holdout_before: Scores
    holdout_after: Scores


def measure_point(data: ReplayData, model: Mapped, offered: np.ndarray, ratings: int, relevant: float) -> Point:
    """Measure a model."""
    c = data.collection
    _, bits = projected(model, c)
    whole, unseen = np.ones(len(c), bool), ~offered
    return Point(ratings, scores(c, bits, ~offered, whole), scores(c, bits, ~offered, unseen), relevant)


def replay_arm(
    data: ReplayData, arm: str, partition: int, *, max_ratings: int, every: int, plan: FitPlan, rater: Rater = ORACLE
) -> list[Point]:
    """Return the points of one arm on one partition of the patients; arm : a strategy, NONE, ORIGINAL or NAMELESS."""
    torch.set_num_threads(1)
    if arm == NAMELESS:
        arm, plan = BEST, replace(plan, names=0.0)
    offered = halves(data.collection.patients, partition)
    if arm == NONE:
        return [measure_point(data, data.model, offered, 0, np.nan)]
    if arm == ORIGINAL:
        nobody = np.empty(0, np.int64)
        said = rate_pairs(data.collection, nobody, nobody, rater, np.random.default_rng(0))
        return [measure_point(data, _round(data, said, _seeded(plan, partition)), offered, 0, np.nan)]
    return [
        measure_point(data, model, offered, ratings, relevant)
        for ratings, model, relevant in rounds(
            data, arm, partition, offered, max_ratings=max_ratings, every=every, plan=plan, rater=rater
        )
    ]


def rounds(
    data: ReplayData,
    arm: str,
    partition: int,
    offered: np.ndarray,
    *,
    max_ratings: int,
    every: int,
    plan: FitPlan,
    rater: Rater,
) -> Iterator[tuple[int, Mapped, float]]:
    """Yield after every round the ratings so far, the model it made of them, and the share marked relevant."""
    c, places, rng = data.collection, np.flatnonzero(offered), np.random.default_rng([partition, 1])
    model, q, s = data.model, np.empty(0, np.int64), np.empty(0, np.int64)
    while len(q) < max_ratings:
        near = candidate_pairs(model, c, offered)
        known = RatedIndices(np.searchsorted(places, q), np.searchsorted(places, s))
        free = near.take(~_rated(near.q, near.s, known, len(places)))
        chosen = pick(free, arm, min(every, max_ratings - len(q)), rng, rated=known).indices
        if not len(chosen):
            return
        q, s = np.concatenate([q, places[free.q[chosen]]]), np.concatenate([s, places[free.s[chosen]]])
        said = rate_pairs(c, q, s, rater, np.random.default_rng([partition, 2]))
        model = _round(data, said, _seeded(plan, partition))
        yield len(q), model, float(said.target.mean())


def replay_attack(
    data: ReplayData, holdout: ReplayCollection, partition: int, *, max_ratings: int, plan: FitPlan, rater: Rater
) -> Attack:
    """Let one rater give all ratings, at random pairs; measure both collections, the held-out one as the gate does."""
    torch.set_num_threads(1)
    offered = halves(data.collection.patients, partition)
    made = rounds(data, RANDOM, partition, offered, max_ratings=max_ratings, every=max_ratings, plan=plan, rater=rater)
    _, model, relevant = list(made)[-1]
    everything = np.ones(len(holdout), bool)
    guard = [scores(holdout, projected(one, holdout)[1], everything, everything) for one in (data.model, model)]
    before, after = (measure_point(data, one, offered, max_ratings, relevant).whole for one in (data.model, model))
    return Attack(before, after, guard[0], guard[1])


def _seeded(plan: FitPlan, partition: int) -> FitPlan:
    return replace(plan, seed=partition)


def _round(data: ReplayData, ratings: RatedPairs, plan: FitPlan) -> Mapped:
    heads = {m: head.detach().numpy() for m, head in data.model.heads.items()}
    return learnt(data.model, fit(data.model.layer, heads, ratings, data.replay, plan))


def _rated(q: np.ndarray, s: np.ndarray, rated: RatedIndices, n: int) -> np.ndarray:
    """Return which pairs are rated already, either way round: (p,) bool."""
    met = np.concatenate([rated.q * n + rated.s, rated.s * n + rated.q])
    return np.isin(q * n + s, met)
