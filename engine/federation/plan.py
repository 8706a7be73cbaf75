"""How a federation learns, and one exchange's updates put together by it; nothing here imports PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.federation.aggregation import Aggregate, Rule, aggregate, noised


@dataclass(frozen=True)
class FederationPlan:
    """How a federation learns; the defaults are 150 steps of a site, as a round has, in five exchanges. None was tuned.

    rounds   : how often sites exchange; steps : of a site between two exchanges
    proximal : FedProx's weight; rule, hostile, clip : engine.federation.aggregation.aggregate
    noise    : Gaussian noise as a multiple of what one site can change; 0 for none. It takes the place of the rule
    """

    rounds: int = 5
    steps: int = 30
    proximal: float = 0.0
    rule: Rule = "mean"
    hostile: int = 1
    clip: float = 0.0
    noise: float = 0.0
    seed: int = 0


def together(updates: np.ndarray, weights: np.ndarray, plan: FederationPlan, rng: np.random.Generator) -> Aggregate:
    """Return the update that a plan makes of updates (sites, d) with weights (sites,).

    rng : what noise is drawn from. Raises UsageError where a robust rule has too few sites.
    """
    if plan.noise:
        norms = np.linalg.norm(updates, axis=1)
        return Aggregate(noised(updates, plan.clip, plan.noise, rng), (), norms)
    return aggregate(updates, weights, plan.rule, hostile=plan.hostile, clip=plan.clip)
