"""How far two methods agree on one study: the order of their parts, and where either puts most."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr

from engine.explain.maps import RawMap
from engine.explain.players import Name, Players

LEAST_PARTS = 4  # an order of fewer says nothing


class MapAgreement(NamedTuple):
    """order : Spearman's correlation of the parts' signed shares; first, second : the part with the largest share."""

    order: float
    first: Name
    second: Name

    @property
    def same_place(self) -> bool:
        """Whether both put most on the same part."""
        return self.first == self.second


def agreement(one: RawMap, other: RawMap, players: Players) -> MapAgreement | None:
    """Return how far two maps of one study agree on its players; None with too few of them, or nothing to share out.

    Maps are summed over the players, so that a map of pixels and one of cells speak of the same parts.
    """
    if len(players.names) < LEAST_PARTS or one.values.shape != players.labels.shape != other.values.shape:
        return None
    sums = [players.sums(raw.values) for raw in (one, other)]
    if any(np.ptp(each) == 0 for each in sums):
        return None
    first, second = (players.names[int(np.argmax(np.abs(each)))] for each in sums)
    return MapAgreement(float(spearmanr(*sums).statistic), first, second)
