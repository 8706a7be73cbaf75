"""When a map may be coloured, and how many gradients it may take until then: stated here, obeyed by all that draw one.

A map whose colours do not add up to the change in similarity that they share out has no place on a picture: it is grey
and says so. What may be spent is counted in gradients, so a map is the same however busy the computer is.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """Of one side of a pair.

    limit  : the largest convergence gap (engine.explain.maps.InputMap) of a map that is coloured
    budget : gradients at most; a map that has not converged by then stays grey
    """

    limit: float
    budget: int


# A trace's gradient costs a thirtieth of a film's.
FILM, TRACE = Rule(0.05, 48), Rule(0.05, 960)
RULES: dict[str, Rule] = {"cxr": FILM, "ecg": TRACE, "ppg": TRACE}


def rule_of(modality: str) -> Rule:
    """Return the rule of a modality's maps; of one that states none, that of traces."""
    return RULES.get(modality, TRACE)
