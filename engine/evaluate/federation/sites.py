"""Sites of a simulated federation: the patients of a split, shared out unequally, with ratings of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from engine.evaluate.learning.collection import ReplayCollection, ReplayData, candidate_pairs
from engine.evaluate.learning.oracle import Rater, rate_pairs
from engine.learning.fit import RatedPairs, Replay
from engine.learning.strategies import RANDOM, pick
from engine.training.hashing.train import LabelledEmbeddings

CONCENTRATION = 0.5  # of the Dirichlet draw by which a finding's patients go to sites (Hsu et al. 2019, section 3)
SMALLEST = 8  # patients that teach at a site


@dataclass(frozen=True, eq=False)
class SimulatedSite:
    """One site. teaches, measures : places in the collection of the patients it learns from, and of those it keeps."""

    name: str
    teaches: np.ndarray
    measures: np.ndarray
    pairs: RatedPairs
    replay: Replay

    @property
    def weight(self) -> float:
        """How much a mean counts it: ratings and labelled studies."""
        return float(len(self.pairs) + sum(len(part.z) for part in self.replay.values()))


def share_out(c: ReplayCollection, sites: int, seed: int) -> np.ndarray:
    """Return the site of every study, (n,) int, all of a patient's at one: unequal in size and in findings.

    A patient goes by the rarest finding that any of their studies has.
    """
    rng = np.random.default_rng([seed, 3])
    names, of = np.unique(c.patients, return_inverse=True)
    held = np.zeros((len(names), c.has_finding.shape[1]), bool)
    np.logical_or.at(held, of, c.has_finding)
    count = np.where(held.any(0), held.sum(0), len(names) + 1)
    rarest = np.where(held, count, len(names) + 1).argmin(1)
    site = np.zeros(len(names), np.int64)
    while True:
        size = rng.dirichlet(np.full(sites, 4.0))
        for finding in np.unique(rarest):
            mine = np.flatnonzero(rarest == finding)
            share = rng.dirichlet(CONCENTRATION * sites * size)
            site[mine] = rng.choice(sites, len(mine), p=share)
        if np.bincount(site, minlength=sites).min() >= 2 * SMALLEST:
            return np.asarray(site[of])


def teaching(c: ReplayCollection, seed: int) -> np.ndarray:
    """Return which studies teach, (n,) bool: those of every other patient, in an order that the seed draws."""
    names, of = np.unique(c.patients, return_inverse=True)
    return np.asarray((np.random.default_rng([seed, 4]).permutation(len(names)) % 2 == 0)[of])


def make_sites(
    data: ReplayData, site: np.ndarray, teach: np.ndarray, ratings: int, seed: int, *, hostile: int | None = None
) -> list[SimulatedSite]:
    """Return the sites, with `ratings` shared out by their numbers of studies.

    hostile : the place of a site whose raters mark everything the wrong way round
    """
    c, sites = data.collection, int(site.max()) + 1
    sizes = np.array([(teach & (site == k)).sum() for k in range(sites)])
    shares = np.maximum(1, np.floor(ratings * sizes / sizes.sum())).astype(int)
    out = []
    for k in range(sites):
        mine = teach & (site == k)
        rater = Rater(flips=1.0 if k == hostile else 0.0)
        pairs = rated(data, mine, int(shares[k]), rater, seed * 100 + k)
        measures = np.flatnonzero(~teach & (site == k))
        out.append(SimulatedSite(f"site {k + 1}", np.flatnonzero(mine), measures, pairs, labelled(c, mine)))
    return out


def rated(data: ReplayData, mine: np.ndarray, ratings: int, rater: Rater, seed: int) -> RatedPairs:
    """Return ratings of pairs of some studies, (n,) bool, drawn from those that the release brings together."""
    rng, at = np.random.default_rng([seed, 5]), np.flatnonzero(mine)
    near = candidate_pairs(data.model, data.collection, mine)
    chosen = pick(near, RANDOM, min(ratings, len(near.q)), rng).indices
    return rate_pairs(data.collection, at[near.q[chosen]], at[near.s[chosen]], rater, rng)


def labelled(c: ReplayCollection, mine: np.ndarray) -> Replay:
    """Return the labelled studies among some, (n,) bool, by modality."""
    out: Replay = {}
    for modality in dict.fromkeys(c.modality.tolist()):
        at = np.flatnonzero(mine & (c.modality == modality))
        if len(at):
            out[modality] = LabelledEmbeddings(torch.from_numpy(c.z[at]), torch.from_numpy(c.has_finding[at]))
    return out


def joined(parts: list[SimulatedSite]) -> tuple[RatedPairs, Replay]:
    """Return the ratings and studies of several sites in one place: what nobody may do, to compare with."""
    fields = ("zq", "zs", "mq", "ms", "target", "weight", "has_finding")
    pairs = RatedPairs(*(np.concatenate([getattr(one.pairs, name) for one in parts]) for name in fields))
    replay: Replay = {}
    for modality in dict.fromkeys(m for one in parts for m in one.replay):
        there = [one.replay[modality] for one in parts if modality in one.replay]
        held = torch.cat([one.has_finding for one in there])
        replay[modality] = LabelledEmbeddings(torch.cat([one.z for one in there]), held)
    return pairs, replay
