"""What is learnt from one drawing of sites: alone, together, in one place, with a hostile or an absent site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from engine.errors import FederationError
from engine.evaluate.federation.membership import Guesses, attack
from engine.evaluate.federation.sites import SimulatedSite, joined, make_sites, share_out, teaching
from engine.evaluate.learning.collection import ReplayData, projected
from engine.evaluate.learning.scores import Scores, scores
from engine.federation.plan import FederationPlan
from engine.federation.rounds import FederatedRound, Learns, federate, layer_of, learner
from engine.federation.state import SharedState, of_fitted
from engine.learning.fit import FitPlan, Mapped, fit

BEFORE, ALONE, POOLED, TOGETHER = "release before", "each alone", "in one place", "together"
PROXIMAL, AWAY = "together, FedProx", "together, the largest away every other round"
WITHOUT, FLIPPED, REVERSED = "without it", "its marks flipped", "its update × −10"
RULES = {"mean": "mean", "trimmed": "trimmed mean", "krum": "Multi-Krum"}
REVERSAL = -10.0
NOISES = (0.01, 0.2, 1.0)  # multiples of what one site can change; trust by (ε, δ) needs about one
FEDPROX = 0.1
HOSTILE = 0  # the place of the site that is hostile


@dataclass(frozen=True)
class SimulationSetting:
    """How much is simulated. sites of the comparison, and of that with a hostile one; ratings in all."""

    sites: int = 4
    hostile_sites: int = 5
    ratings: int = 300
    partitions: int = 3
    plan: FederationPlan = field(default_factory=FederationPlan)


@dataclass(frozen=True, eq=False)
class SimulatedFederation:
    """One drawing.

    by_site  : arm → site → scores of that site's kept patients    hostile : arm → scores of the honest sites' patients
    named    : rule → in how many of its rounds the hostile site, and it alone, was left out
    seen     : what is seen → attacks on whose recordings were learnt from
    sizes    : site → patients that teach, ratings
    """

    by_site: dict[str, dict[str, Scores]]
    hostile: dict[str, Scores]
    named: dict[str, float]
    seen: dict[str, list[Guesses]]
    sizes: dict[str, tuple[int, int]]


def simulated(data: ReplayData, start: SharedState, setting: SimulationSetting, seed: int) -> SimulatedFederation:
    """Draw sites and let them learn in every way."""
    torch.set_num_threads(1)
    plan = replace(setting.plan, seed=seed)
    teach = teaching(data.collection, seed)
    sites = make_sites(data, share_out(data.collection, setting.sites, seed), teach, setting.ratings, seed)
    together, log = federate(start, learners(sites, plan, seed), weights(sites), plan)
    states = {
        BEFORE: start,
        POOLED: _pooled(start, sites, plan),
        TOGETHER: together,
        PROXIMAL: _federated(start, sites, replace(plan, proximal=FEDPROX), seed),
        AWAY: _away(start, sites, plan, seed),
    }
    by_site = {arm: {one.name: site_scores(data, state, one, sites) for one in sites} for arm, state in states.items()}
    by_site[ALONE] = {one.name: site_scores(data, _alone(start, one, plan, seed), one, sites) for one in sites}
    noisy = _noisy(start, sites, plan, seed, log)
    by_site |= {arm: {one.name: site_scores(data, state, one, sites) for one in sites} for arm, state in noisy.items()}
    hostile, named = _hostile(data, start, setting, plan, seed)
    sizes = {one.name: (len(set(data.collection.patients[one.teaches])), len(one.pairs)) for one in sites}
    return SimulatedFederation(by_site, hostile, named, seen(data, start, sites, log[0], plan), sizes)


def learners(sites: Sequence[SimulatedSite], plan: FederationPlan, seed: int) -> dict[str, Learns]:
    """Return what every site does in a round."""
    return {one.name: learner(one.pairs, one.replay, plan, 1000 * seed + k) for k, one in enumerate(sites)}


def weights(sites: Sequence[SimulatedSite]) -> dict[str, float]:
    """Return what a mean counts every site."""
    return {one.name: one.weight for one in sites}


def site_scores(data: ReplayData, state: SharedState, site: SimulatedSite, sites: Sequence[SimulatedSite]) -> Scores:
    """Search with a site's kept patients' studies among those of the kept patients of all sites."""
    asked, gallery = (np.zeros(len(data.collection), bool) for _ in range(2))
    asked[site.measures] = True
    gallery[np.concatenate([one.measures for one in sites])] = True
    return scores(data.collection, projected(mapped(state), data.collection)[1], asked, gallery)


def mapped(state: SharedState) -> Mapped:
    """Return the model of a state."""
    return Mapped(layer_of(state), state.heads)


def seen(
    data: ReplayData, start: SharedState, sites: Sequence[SimulatedSite], first: FederatedRound, plan: FederationPlan
) -> dict[str, list[Guesses]]:
    """Attack what a coordinator sees of the first round: every site's update, their mean alone, and one with noise."""
    before, vector = mapped(start), start.vector()
    total = sum(one.weight for one in sites)
    mean = sum((one.weight / total) * first.updates[one.name] for one in sites)
    rng, length = np.random.default_rng([plan.seed, 11]), float(np.median(list(first.norms.values())))
    found: dict[str, list[Guesses]] = {
        "a site's update": [],
        "the sum of all sites": [],
        "a site's update, noise 1": [],
    }
    for one in sites:
        own = first.updates[one.name]
        noisy = own * min(1.0, length / np.linalg.norm(own)) + rng.normal(0, length / len(sites), len(own))
        for what, update in zip(found, (own, mean, noisy), strict=True):
            after = mapped(start.with_vector(vector + update))
            found[what].append(attack(before, after, data.collection, one.teaches, one.measures))
    return found


def _pooled(start: SharedState, sites: Sequence[SimulatedSite], plan: FederationPlan) -> SharedState:
    pairs, replay = joined(list(sites))
    fitted = fit(layer_of(start), start.heads, pairs, replay, FitPlan(steps=plan.rounds * plan.steps, seed=plan.seed))
    return of_fitted(start.ground, fitted)


def _alone(start: SharedState, site: SimulatedSite, plan: FederationPlan, seed: int) -> SharedState:
    whole = replace(plan, steps=plan.rounds * plan.steps)
    return learner(site.pairs, site.replay, whole, seed)(start, 0)


def _federated(start: SharedState, sites: Sequence[SimulatedSite], plan: FederationPlan, seed: int) -> SharedState:
    return federate(start, learners(sites, plan, seed), weights(sites), plan)[0]


def _away(start: SharedState, sites: Sequence[SimulatedSite], plan: FederationPlan, seed: int) -> SharedState:
    """Learn together while the largest site is away in every other round."""
    largest = max(sites, key=lambda one: one.weight).name
    there = learners(sites, plan, seed)

    def sometimes(state: SharedState, number: int) -> SharedState:
        if number % 2:
            raise FederationError(f"{largest} did not answer.")
        return there[largest](state, number)

    return federate(start, {**there, largest: sometimes}, weights(sites), plan)[0]


def _noisy(
    start: SharedState, sites: Sequence[SimulatedSite], plan: FederationPlan, seed: int, log: Sequence[FederatedRound]
) -> dict[str, SharedState]:
    """Learn together with noise on the mean of clipped updates; the clip is the median length without noise."""
    length = float(np.median([norm for one in log for norm in one.norms.values()]))
    plans = {noise: replace(plan, noise=noise, clip=length) for noise in NOISES}
    return {noisy_arm(noise): _federated(start, sites, plans[noise], seed) for noise in NOISES}


def noisy_arm(noise: float) -> str:
    """Return the name of the arm with so much noise."""
    return f"together, noise {noise:g}"


def _hostile(
    data: ReplayData, start: SharedState, setting: SimulationSetting, plan: FederationPlan, seed: int
) -> tuple[dict[str, Scores], dict[str, float]]:
    """Let one of the sites be hostile in two ways, by every rule; the honest sites' kept patients measure."""
    c = data.collection
    site, teach = share_out(c, setting.hostile_sites, seed + 50), teaching(c, seed)
    honest = make_sites(data, site, teach, setting.ratings, seed)
    flipped = make_sites(data, site, teach, setting.ratings, seed, hostile=HOSTILE)
    kept = [one for place, one in enumerate(honest) if place != HOSTILE]
    named: dict[str, float] = {}

    def measured(state: SharedState) -> Scores:
        parts = [site_scores(data, state, one, honest) for one in kept]
        return Scores(
            *(np.concatenate([getattr(p, f) for p in parts]) for f in ("kind", "patient", "precision", "average"))
        )

    found = {WITHOUT: measured(_federated(start, kept, plan, seed))}
    for rule, words in RULES.items():
        how: FederationPlan = replace(plan, rule=rule)  # type: ignore[arg-type]
        for what, sites in ((FLIPPED, flipped), (REVERSED, honest)):
            there = learners(sites, how, seed)
            if what == REVERSED:
                there[sites[HOSTILE].name] = _reversed(there[sites[HOSTILE].name])
            state, log = federate(start, there, weights(sites), how)
            found[f"{what}, {words}"] = measured(state)
            named[f"{what}, {words}"] = float(np.mean([one.left_out == (sites[HOSTILE].name,) for one in log]))
    return found, named


def _reversed(learns: Learns) -> Learns:
    def sends(state: SharedState, number: int) -> SharedState:
        before = state.vector()
        return state.with_vector(before + REVERSAL * (learns(state, number).vector() - before))

    return sends


def shared_bytes(state: SharedState, sites: int, rounds: int) -> int:
    """Return how many bytes travel in all: the state to every site and back, each round."""
    return 2 * sites * rounds * state.bytes
