"""One replay: a strategy offers pairs, the oracle rates them, and after every few ratings a round learns from all.

Half of the patients are offered to raters; the queries of the other half measure, and nobody rated them. What raters
see next comes from the model of the round before, as it does in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.evaluate.learning.collection import Collection, World, halves, learnt, offers, projected
from engine.evaluate.learning.oracle import Rater, marked
from engine.evaluate.learning.scores import Scores, scores
from engine.learning.fit import Mapped, Marked, Plan, fit
from engine.learning.strategies import BEST, RANDOM, Known, pick

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
    """Scores of the collection and of the frozen one, before and after a round on an adversary's ratings."""

    before: Scores
    after: Scores
    frozen_before: Scores
    frozen_after: Scores


def point(world: World, model: Mapped, offered: np.ndarray, ratings: int, relevant: float) -> Point:
    """Measure a model."""
    c = world.collection
    _, bits = projected(model, c)
    whole, unseen = np.ones(len(c), bool), ~offered
    return Point(ratings, scores(c, bits, ~offered, whole), scores(c, bits, ~offered, unseen), relevant)


def replayed(
    world: World, arm: str, partition: int, most: int, every: int, plan: Plan, rater: Rater = ORACLE
) -> list[Point]:
    """Return the points of one arm on one partition of the patients; arm : a strategy, NONE, ORIGINAL or NAMELESS."""
    torch.set_num_threads(1)
    if arm == NAMELESS:
        arm, plan = BEST, replace(plan, names=0.0)
    offered = halves(world.collection.patients, partition)
    if arm == NONE:
        return [point(world, world.model, offered, 0, np.nan)]
    if arm == ORIGINAL:
        nobody = np.empty(0, np.int64)
        said = marked(world.collection, nobody, nobody, rater, np.random.default_rng(0))
        return [point(world, _round(world, said, _seeded(plan, partition)), offered, 0, np.nan)]
    return [
        point(world, model, offered, ratings, relevant)
        for ratings, model, relevant in rounds(world, arm, partition, offered, most, every, plan, rater)
    ]


def rounds(
    world: World, arm: str, partition: int, offered: np.ndarray, most: int, every: int, plan: Plan, rater: Rater
) -> Iterator[tuple[int, Mapped, float]]:
    """Yield after every round the ratings so far, the model it made of them, and the share marked relevant."""
    c, places, rng = world.collection, np.flatnonzero(offered), np.random.default_rng([partition, 1])
    model, q, s = world.model, np.empty(0, np.int64), np.empty(0, np.int64)
    while len(q) < most:
        near = offers(model, c, offered)
        known = Known(np.searchsorted(places, q), np.searchsorted(places, s))
        free = near.take(~_rated(near.q, near.s, known, len(places)))
        chosen = pick(free, arm, min(every, most - len(q)), rng, known).places
        if not len(chosen):
            return
        q, s = np.concatenate([q, places[free.q[chosen]]]), np.concatenate([s, places[free.s[chosen]]])
        said = marked(c, q, s, rater, np.random.default_rng([partition, 2]))
        model = _round(world, said, _seeded(plan, partition))
        yield len(q), model, float(said.target.mean())


def attacked(world: World, frozen: Collection, partition: int, most: int, plan: Plan, rater: Rater) -> Attack:
    """Let one rater give all ratings, at random pairs; measure, and look at the frozen collection as the gate does."""
    torch.set_num_threads(1)
    offered = halves(world.collection.patients, partition)
    _, model, relevant = list(rounds(world, RANDOM, partition, offered, most, most, plan, rater))[-1]
    everything = np.ones(len(frozen), bool)
    guard = [scores(frozen, projected(one, frozen)[1], everything, everything) for one in (world.model, model)]
    before, after = (point(world, one, offered, most, relevant).whole for one in (world.model, model))
    return Attack(before, after, guard[0], guard[1])


def _seeded(plan: Plan, partition: int) -> Plan:
    return replace(plan, seed=partition)


def _round(world: World, said: Marked, plan: Plan) -> Mapped:
    heads = {m: head.detach().numpy() for m, head in world.model.heads.items()}
    return learnt(world.model, fit(world.model.layer, heads, said, world.replay, plan))


def _rated(q: np.ndarray, s: np.ndarray, known: Known, n: int) -> np.ndarray:
    """Return which pairs are rated already, either way round: (p,) bool."""
    met = np.concatenate([known.q * n + known.s, known.s * n + known.q])
    return np.isin(q * n + s, met)
