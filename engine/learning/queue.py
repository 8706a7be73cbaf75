"""What a rater is offered next in a workspace, by one strategy, with a share at random for unbiased measurement.

A strategy chooses among what a round learns from; held-out pairs (engine.learning.holdout) are drawn at random only.
Offered are pairs of different patients whom the rater may see for training, never one that this rater
has judged or skipped. A second reading offers what others judged; what they said stays hidden (engine.learning.blind).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError, brief
from engine.learning.candidates import Candidates
from engine.learning.holdout import is_holdout_patient, is_holdout_query
from engine.learning.strategies import RANDOM_SHARE, STRATEGIES, Picked, RatedIndices, pick
from engine.learning.workspace_candidates import gather_candidates
from engine.store.queries import hidden_from
from engine.store.rated_studies import with_permitted_patients
from engine.store.records import Rating
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

RANDOM, SECOND = "random", "second"
QUEUES = (*STRATEGIES, RANDOM, SECOND)
MAX_PAIRS = 200  # pairs in one queue
Pair = tuple[str, str]


@dataclass(frozen=True)
class QueueSpec:
    """What a rater asks for: by which strategy, how many pairs, drawn by which seed."""

    strategy: str
    n: int
    seed: int


@dataclass(frozen=True)
class Offer:
    """One pair to rate. score : of its strategy, None where the pair is at random or for a second reading"""

    query_id: str
    study_id: str
    strategy: str
    score: float | None
    random_share: bool

    @property
    def pair(self) -> Pair:
        """Query id and study id."""
        return self.query_id, self.study_id


def check(spec: QueueSpec) -> None:
    """Raise UsageError where there is no such strategy, or the number of pairs is out of range."""
    if spec.strategy not in QUEUES:
        names = f"{', '.join(QUEUES[:-1])} or {QUEUES[-1]}"
        raise UsageError(f"There is no strategy '{brief(spec.strategy)}': use {names}.")
    if not 1 <= spec.n <= MAX_PAIRS:
        raise UsageError(f"A queue of {spec.n} pairs is not possible: ask for 1 to {MAX_PAIRS}.")


def queue(
    workspace: Workspace, release: Release, actor: Actor, spec: QueueSpec, *, readers: Collection[str] = ()
) -> list[Offer]:
    """Return the next pairs for a rater, fewer where there are not so many; the same for the same state and seed.

    release : the serving one; readers : others who are to read the same pairs, so that none of them has met one
    Raises UsageError for an unknown strategy.
    """
    check(spec)
    rng = np.random.default_rng(spec.seed)
    ratings = workspace.all_ratings(skips=True)
    own = {one.pair for one in ratings if one.who in {actor.name, *readers} and not one.source}
    second = _second(workspace, ratings, own, actor, rng) if spec.strategy == SECOND else []
    found = gather_candidates(workspace, release, actor, rng) if spec.strategy != SECOND or second else None
    free = found.take(_unrated(found, own)) if found is not None else None
    if spec.strategy == SECOND:
        return _mixed(second, free, spec.n, rng)
    if free is None:
        return []
    rated, learnable = _rated_indices(free, ratings), _learnable(workspace, free)
    return _offers(free, spec.strategy, pick(free, spec.strategy, spec.n, rng, rated=rated, learnable=learnable))


def may_be_shown(workspace: Workspace, actor: Actor, ids: Iterable[str]) -> set[str]:
    """Return those of the studies and queries that a rater may be shown.

    Their patients allow training, and no query of somebody else is among them that is not shared.
    """
    permitted = with_permitted_patients(workspace.database, actor.acting_for("training"), ids)
    return permitted - hidden_from(workspace.database, actor.name, permitted)


def shown_ratings(workspace: Workspace, actor: Actor) -> list[Rating]:
    """Return the judgements of which a rater may see a count: the own, and those on pairs that may be shown."""
    ratings = workspace.all_ratings()
    shown = may_be_shown(workspace, actor, {side for one in ratings for side in one.pair})
    own = [one.who == actor.name and not one.source for one in ratings]
    return [one for one, is_own in zip(ratings, own, strict=True) if is_own or shown.issuperset(one.pair)]


def _offers(c: Candidates, strategy: str, chosen: Picked) -> list[Offer]:
    queries, items = c.queries.ids[c.q[chosen.indices]].tolist(), c.items.ids[c.s[chosen.indices]].tolist()
    found = zip(queries, items, chosen.scores.tolist(), chosen.at_random.tolist(), strict=True)
    return [
        Offer(query, item, strategy, None if at_random else score, at_random) for query, item, score, at_random in found
    ]


def _second(
    workspace: Workspace, ratings: Sequence[Rating], own: set[Pair], actor: Actor, rng: np.random.Generator
) -> list[Pair]:
    """Return the pairs that others judged and this rater has neither judged nor skipped, the least judged first."""
    times = Counter(one.pair for one in ratings if one.mark != "skip" and (one.who != actor.name or one.source))
    pairs = sorted(set(times) - own)
    there = may_be_shown(workspace, actor, {one for pair in pairs for one in pair})
    pairs = [pair for pair in pairs if there.issuperset(pair)]
    order = rng.permutation(len(pairs))
    return [pairs[i] for i in sorted(range(len(pairs)), key=lambda i: (times[pairs[i]], order[i]))]


def _mixed(second: Sequence[Pair], c: Candidates | None, n: int, rng: np.random.Generator) -> list[Offer]:
    """Return pairs for a second reading, with a share of pairs at random in places at random."""
    if not second:
        return []
    offers = [Offer(query_id, study_id, SECOND, None, False) for query_id, study_id in second]
    rest = set(second)
    at_random = _offers(c, RANDOM, pick(c, RANDOM, n, rng)) if c is not None else []
    at_random = [one for one in at_random if one.pair not in rest][: round(RANDOM_SHARE * n)]
    offers = offers[: n - len(at_random)]
    for one in at_random:
        offers.insert(int(rng.integers(0, len(offers) + 1)), Offer(*one.pair, SECOND, None, True))
    return offers


def _unrated(c: Candidates, own: set[Pair]) -> np.ndarray:
    """Return (p,) bool: which candidates the rater has not met, either way round."""
    met = own | {(b, a) for a, b in own}
    pairs = zip(c.queries.ids[c.q].tolist(), c.items.ids[c.s].tolist(), strict=True)
    return np.asarray([pair not in met for pair in pairs], bool)


def _learnable(workspace: Workspace, c: Candidates) -> np.ndarray:
    """Return (p,) bool: which pairs a round learns from; those of held-out patients and queries only measure."""
    ids = sorted({*c.queries.ids.tolist(), *c.items.ids.tolist()})
    held_out = {row.study_id for row in workspace.all_rows(ids) if is_holdout_patient(row.patient_id)}
    queries = np.array([one not in held_out and not is_holdout_query(one) for one in c.queries.ids.tolist()], bool)
    items = np.array([one not in held_out for one in c.items.ids.tolist()], bool)
    return np.asarray(queries[c.q] & items[c.s])


def _rated_indices(c: Candidates, ratings: Sequence[Rating]) -> RatedIndices:
    """Return the pairs of anyone's judgements whose sides are among those of the candidates."""
    q, s = ({one: at for at, one in enumerate(side.ids.tolist())} for side in (c.queries, c.items))
    pairs = {one.pair for one in ratings if one.mark != "skip"}
    both = sorted((q[a], s[b]) for a, b in pairs if a in q and b in s)
    at = np.asarray(both, np.int64).reshape(-1, 2)
    return RatedIndices(at[:, 0], at[:, 1])
