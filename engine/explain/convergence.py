"""When a map may be coloured, and how many gradients it may take until then: stated here, obeyed by all that draw one.

A map whose colours do not add up to the change in similarity that they share out has no place on a picture: it is grey
and says so. What may be spent is counted in gradients, so a map is the same however busy the computer is.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """Of one side of a pair.

    limit    : the largest convergence gap (engine.explain.maps.InputMap) of a map that is coloured
    budget   : gradients at most; a map that has not converged by then stays grey
    pieces   : of the path at the beginning
    refined  : stretches of the path that are halved at once
    power    : of the path (engine.explain.path_integral)
    """

    limit: float
    budget: int
    pieces: int
    refined: int
    power: float

    @property
    def spread_limit(self) -> float:
        """The largest spread (engine.explain.maps.InputMap) of a coloured map; with a wider one it adds up by luck."""
        return 10 * self.limit


# Pieces, refinement and power are the cheapest of some dozens on curves of films and traces of `valid`. A gradient of a
# trace costs a thirtieth of a film's, so its limit is lower.
FILM = Rule(limit=0.05, budget=48, pieces=6, refined=1, power=2.0)
TRACE = Rule(limit=0.02, budget=240, pieces=8, refined=4, power=1.0)
RULES: dict[str, Rule] = {"cxr": FILM, "ecg": TRACE, "ppg": TRACE}


def rule_of(modality: str) -> Rule:
    """Return the rule of a modality's maps; of one that states none, that of traces."""
    return RULES.get(modality, TRACE)
