"""A federation's rounds: every site learns from its own for some steps, what they learnt is put together, and again.

Here sites are functions; over a network they are processes (`casebind federate`). The order is that of federated
averaging (McMahan et al. 2017, algorithm 1) with all sites that are there, and FedProx's term in what a site learns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.errors import FederationError, UsageError
from engine.federation.plan import FederationPlan, together
from engine.federation.state import SharedState, check_fits, of_fitted
from engine.learning.fit import FitPlan, RatedPairs, Replay, fit
from engine.model.hash_layer import HashLayer

Learns = Callable[[SharedState, int], SharedState]  # (what all begin a round with, its number) → what a site learnt


@dataclass(frozen=True, eq=False)
class FederatedRound:
    """What is on record of one exchange: who took part, whose update was left out, who was away and why; norms by site.

    updates : site → what it sent less what it was sent, (d,); kept by a simulation alone
    """

    number: int
    sites: tuple[str, ...]
    left_out: tuple[str, ...]
    away: Mapping[str, str]
    norms: Mapping[str, float]
    updates: Mapping[str, np.ndarray]


def federate(
    start: SharedState, sites: Mapping[str, Learns], weights: Mapping[str, float], plan: FederationPlan
) -> tuple[SharedState, list[FederatedRound]]:
    """Return what the sites learnt together, and what is on record of every exchange.

    weights : site → its number of ratings and pairs
    A site that fails or sends what does not fit is away for that round; the others go on without it.
    Raises UsageError where nobody is left, or too few for a robust rule.
    """
    state, done = start, []
    rng = np.random.default_rng([plan.seed, 9])
    for number in range(plan.rounds):
        sent, away = _collect(state, sites, number)
        if not sent:
            raise UsageError(f"No site answered in round {number + 1}: {'; '.join(away.values())}")
        names, before = tuple(sent), state.vector()
        updates = np.stack([one.vector() - before for one in sent.values()])
        put = together(updates, np.array([weights[name] for name in names]), plan, rng)
        state = state.with_vector(before + put.update)
        left_out = tuple(names[i] for i in put.left_out)
        norms = dict(zip(names, put.norms.tolist(), strict=True))
        done.append(FederatedRound(number + 1, names, left_out, away, norms, dict(zip(names, updates, strict=True))))
    return state, done


def _collect(
    state: SharedState, sites: Mapping[str, Learns], number: int
) -> tuple[dict[str, SharedState], dict[str, str]]:
    """Ask every site; return what came, and why the others are away."""
    sent: dict[str, SharedState] = {}
    away: dict[str, str] = {}
    for name, learns in sites.items():
        try:
            found = learns(state, number)
            check_fits(found, state, name)
            sent[name] = found
        except FederationError as problem:
            away[name] = str(problem)
    return sent, away


def learner(pairs: RatedPairs, replay: Replay, plan: FederationPlan, seed: int) -> Learns:
    """Return a site: what it learns in a round from its rated pairs and its labelled studies."""

    def learns(state: SharedState, number: int) -> SharedState:
        local = FitPlan(steps=plan.steps, proximal=plan.proximal, seed=seed_of(seed, number))
        return of_fitted(state.ground, fit(layer_of(state), state.heads, pairs, replay, local))

    return learns


def seed_of(seed: int, number: int) -> int:
    """Return a seed of its own for each site's round."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def layer_of(state: SharedState) -> HashLayer:
    """Return a hash layer with a state's weight and thresholds."""
    import torch

    layer = HashLayer(state.ground.modalities)
    layer.load_state_dict({"weight": torch.from_numpy(state.weight), "threshold": torch.from_numpy(state.threshold)})
    return layer.requires_grad_(False)
