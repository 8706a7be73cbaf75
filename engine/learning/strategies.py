"""What to rate next: every query strategy is one plain function from candidates to scores, higher is sooner.

A score looks at the pair alone, or also at the pairs that are rated already, `rated`. `pick` takes the
pairs of a queue one after the other, so that a strategy sees what the queue holds before; it keeps a share at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.learning.candidates import Candidates, signs
from engine.model.packing import BITS, LENGTHS

RANDOM = "random"
RANDOM_SHARE = 0.1  # of every queue: a random sample measures without bias
NOISE = 0.3  # of a projection, in its own units; hash layers are trained under it (engine.training.hashing.train)
AT_ONCE = 5  # pairs that are chosen before the scores are taken again
HUB = 10  # a study counts in a list where it is among this many nearest
LISTS, NEAR, NEAR_RANK = 0.5, 0.3, 5  # weights beside being new, and the rank at which nearness has halved
PER_QUERY = 3  # pairs of one query in one queue


@dataclass(frozen=True, eq=False)
class RatedIndices:
    """Pairs that are rated or already in the queue, as places in the candidates' sides: q, s (m,) int."""

    q: np.ndarray
    s: np.ndarray

    def plus(self, q: np.ndarray, s: np.ndarray) -> RatedIndices:
        """Return these and more."""
        return RatedIndices(np.concatenate([self.q, q]), np.concatenate([self.s, s]))


NOTHING = RatedIndices(np.empty(0, np.int64), np.empty(0, np.int64))
Strategy = Callable[[Candidates, RatedIndices], np.ndarray]


def uncertain_code(c: Candidates, rated: RatedIndices) -> np.ndarray:
    """Standard deviation, in bits, of the pair's Hamming distance when every projection carries noise: (p,).

    Bits near their threshold flip; a pair of many such bits has a distance that says little.
    """
    from scipy.special import ndtr

    a, b = (ndtr(-np.abs(side.projected) / NOISE) for side in (c.queries, c.items))
    one = a[c.q] + b[c.s] - 2 * a[c.q] * b[c.s]  # exactly one of the two flips: (p, 256)
    return np.sqrt((one * (1 - one)).sum(1))


def order_disagreement(c: Candidates, rated: RatedIndices) -> np.ndarray:
    """Places by which a study's rank by code differs from its rank by embedding, on a log scale: (p,)."""
    return np.abs(np.log1p(c.hamming_rank) - np.log1p(c.float_rank))


def committee(c: Candidates, rated: RatedIndices) -> np.ndarray:
    """Standard deviation of the share of differing bits among the four 64-bit quarters of the code: (p,).

    The quarters are four hash heads of one layer; a query by committee (Seung et al. 1992) asks where they differ.
    """
    size = LENGTHS[0]
    agree = signs(c.queries.projected)[c.q] * signs(c.items.projected)[c.s]
    return np.std([(1 - agree[:, first : first + size].mean(1)) / 2 for first in range(0, BITS, size)], axis=0)


def core_set(c: Candidates, rated: RatedIndices) -> np.ndarray:
    """Distance of the pair's studies from the nearest one that is rated, mean of both sides: (p,).

    Greedy k-centre (Sener & Savarese 2018) in the shared space, each modality for itself.
    """
    return (_apart(c, rated, "queries")[c.q] + _apart(c, rated, "items")[c.s]) / 2


def under_represented(c: Candidates, rated: RatedIndices) -> np.ndarray:
    """How rarely the pair's modalities and groups were rated, 1 for never, mean of three: (p,)."""
    both = np.char.add(np.char.add(c.queries.modality[c.q].astype(str), ">"), c.items.modality[c.s].astype(str))
    seen = np.char.add(np.char.add(c.queries.modality[rated.q].astype(str), ">"), c.items.modality[rated.s].astype(str))
    kinds = [(both, seen)]
    kinds += [(c.queries.group[c.q], c.queries.group[rated.q]), (c.items.group[c.s], c.items.group[rated.s])]
    return np.mean([_rare(here, there) for here, there in kinds], axis=0)


def influential(c: Candidates, rated: RatedIndices) -> np.ndarray:
    """How many lists the pair's studies stand in, both new to raters, near, of modalities that lack ratings: (p,).

    What stands in many lists, a hub (Radovanovic et al. 2010), moves many answers; so information density (Settles &
    Craven 2008) weighs an instance by how many others it resembles. A study loses half of what being new counts with
    its first rating. Modalities get equally many ratings on either side, however many studies of each there are.
    """
    seen = np.concatenate([c.queries.ids[rated.q], c.items.ids[rated.s]])
    new = (_rare(c.queries.ids[c.q], seen) + _rare(c.items.ids[c.s], seen)) / 2
    lists = _lists(c)
    by_id = dict(zip(c.items.ids.tolist(), lists.tolist(), strict=True))
    asked = np.array([by_id.get(name, 0.0) for name in c.queries.ids.tolist()])
    lack = _lack(c.queries.modality, rated.q)[c.q] + _lack(c.items.modality, rated.s)[c.s]
    return new + LISTS * (asked[c.q] + lists[c.s]) + NEAR / (1 + c.hamming_rank / NEAR_RANK) + lack


BEST = "influential"  # chosen on `valid` (casebind evaluate active-learning --split valid)
STRATEGIES: dict[str, Strategy] = {
    "influential": influential,
    "uncertain_code": uncertain_code,
    "order_disagreement": order_disagreement,
    "committee": committee,
    "core_set": core_set,
    "under_represented": under_represented,
}


@dataclass(frozen=True, eq=False)
class Picked:
    """A queue of n pairs: places among the candidates, the scores they were picked for, and which are at random."""

    indices: np.ndarray
    scores: np.ndarray
    at_random: np.ndarray


def pick(
    c: Candidates,
    strategy: str,
    n: int,
    rng: np.random.Generator,
    *,
    rated: RatedIndices = NOTHING,
    share: float = RANDOM_SHARE,
    learnable: np.ndarray | None = None,
) -> Picked:
    """Return the next n pairs by a strategy, a share of them at random; fewer where there are not so many.

    strategy  : a name in STRATEGIES, or RANDOM
    rated     : pairs that are rated already; a strategy may look at them
    share     : of the queue that is drawn at random
    learnable : (p,) bool, pairs that a round would learn from; a strategy chooses among them as long as there are any,
                random pairs are drawn from all
    No query stands in a queue more than PER_QUERY times by its score. Raises KeyError for an unknown name.
    """
    n = min(n, len(c))
    lots = np.zeros(n, bool) if strategy != RANDOM else np.ones(n, bool)
    lots[rng.permutation(n)[: round(share * n)]] = True
    free, times = np.ones(len(c), bool), np.zeros(len(c.queries), int)
    chosen = RatedIndices(rated.q, rated.s)
    places, scores = np.full(n, -1), np.full(n, np.nan)
    values, learnable = np.zeros(len(c)), np.ones(len(c), bool) if learnable is None else learnable
    for at in range(n):
        if not lots[at] and (at % AT_ONCE == 0 or not values.any()):
            values = STRATEGIES[strategy](c, chosen) + rng.uniform(0, 1e-9, len(c))
        wanted = (free,) if lots[at] else (free & learnable & (times[c.q] < PER_QUERY), free & learnable, free)
        open_ = next((mask.nonzero()[0] for mask in wanted if mask.any()), None)
        if open_ is None:  # what is left was picked the other way round
            return Picked(places[:at], scores[:at], lots[:at])
        place = int(rng.choice(open_) if lots[at] else open_[np.argmax(values[open_])])
        places[at], scores[at] = place, np.nan if lots[at] else values[place]
        free &= ~_same(c, place)
        times[c.q[place]] += 1
        chosen = chosen.plus(c.q[[place]], c.s[[place]])
    return Picked(places, scores, lots)


def _same(c: Candidates, place: int) -> np.ndarray:
    """Return which candidates are this pair, or the same two studies the other way round."""
    one, other = c.queries.ids[c.q[place]], c.items.ids[c.s[place]]
    straight = (c.q == c.q[place]) & (c.s == c.s[place])
    return straight | ((c.queries.ids[c.q] == other) & (c.items.ids[c.s] == one))


def _apart(c: Candidates, known: RatedIndices, which: str) -> np.ndarray:
    """Distance of each entry of one side from the nearest rated study of its modality, in 0 … 2: (n,)."""
    side = c.queries if which == "queries" else c.items
    out = np.full(len(side), 2.0)
    for modality in np.unique(side.modality):
        mine = side.modality == modality
        rated = [c.queries.z[known.q[c.queries.modality[known.q] == modality]]]
        rated.append(c.items.z[known.s[c.items.modality[known.s] == modality]])
        z = np.concatenate(rated)
        if len(z):
            out[mine] = 1 - (side.z[mine] @ z.T).max(1)
    return out


def _lists(c: Candidates) -> np.ndarray:
    """Rank of every item among those of its modality by how many queries have it among their nearest, 0 … 1: (n,)."""
    from scipy.stats import rankdata  # slow to import, and every search imports this module

    times = np.bincount(c.s[c.hamming_rank < HUB], minlength=len(c.items)).astype(float)
    out = np.zeros(len(c.items))
    for modality in np.unique(c.items.modality):
        mine = c.items.modality == modality
        out[mine] = (rankdata(times[mine]) - 1) / max(1, mine.sum() - 1)
    return out


def _lack(modality: np.ndarray, rated: np.ndarray) -> np.ndarray:
    """By how much each entry's modality has less than an equal share of what is rated, −1 … 1: (n,) and (m,) → (n,)."""
    kinds, index = np.unique(modality, return_inverse=True)
    if not len(rated):
        return np.zeros(len(modality))
    return (1 / len(kinds) - np.bincount(index[rated], minlength=len(kinds)) / len(rated))[index]


def _rare(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Groups of pairs (p,) and of rated pairs (m,) → 1 / (1 + times rated): (p,)."""
    names, times = np.unique(there, return_counts=True)
    counted = dict(zip(names.tolist(), times.tolist(), strict=True))
    groups, index = np.unique(here, return_inverse=True)
    return np.array([1 / (1 + counted.get(name, 0)) for name in groups.tolist()])[index]
