"""An oracle rater: marks by shared findings, names the finding it had in mind, and may flip a share of its marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.evaluate.learning.collection import ReplayCollection
from engine.findings import is_shareable
from engine.learning.fit import RatedPairs


@dataclass(frozen=True)
class Rater:
    """flips : share of marks turned round, at random; weight : how far the round relies on this rater"""

    flips: float = 0.0
    weight: float = 1.0


def rate_pairs(c: ReplayCollection, q: np.ndarray, s: np.ndarray, rater: Rater, rng: np.random.Generator) -> RatedPairs:
    """Rate pairs of studies, (p,) places each.

    Relevant where they share a finding, and that finding, or one of them, is the one in mind; else irrelevant, with one
    of the query's findings in mind.
    """
    shared = c.has_finding[q] & c.has_finding[s] & is_shareable()
    relevant = shared.any(1)
    mind = np.where(relevant[:, None], shared, c.has_finding[q])
    held = np.zeros_like(mind)
    held[np.arange(len(q)), [rng.choice(np.flatnonzero(one)) for one in mind]] = True
    said = relevant ^ (rng.random(len(q)) < rater.flips)
    weight = np.full(len(q), rater.weight, np.float32)
    return RatedPairs(c.z[q], c.z[s], c.modality[q], c.modality[s], said.astype(np.float32), weight, held)
