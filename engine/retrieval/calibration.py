"""What a distance means for a query: radius, what is close, the share of pairs further apart, relevance.

The tables of a release are per pair of modalities. A mean of several cases may be of several modalities; each number is
then the most careful of its modalities' tables. They are fitted on single recordings, not on means, so whoever shows a
mean says its distance and the share, and no relevance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.study import Modality, Study

if TYPE_CHECKING:
    from engine.model.release import Release


@dataclass(frozen=True)
class QueryCalibration:
    """The tables of one query: the modalities that it is made of, and how many bits are compared."""

    release: Release
    sources: tuple[Modality, ...]
    bits: int

    def radius(self, target: Modality, operating_point: str) -> int:
        """Return the radius of an operating point, bits."""
        return min(int(self.release.radius(one, target, self.bits, operating_point)) for one in self.sources)

    def close_limit(self, target: Modality) -> int:
        """Return the distance beyond which nothing is close, bits."""
        return min(int(self.release.close_limit(one, target, self.bits)) for one in self.sources)

    def further_share(self, target: Modality, hamming: int) -> float:
        """Return the share of random pairs that are further apart, 0..1."""
        return min(float(self.release.further_share(one, target, self.bits, hamming)) for one in self.sources)

    def relevance(self, target: Modality, hamming: int) -> float:
        """Return the calibrated share of pairs this near that share a finding, 0..1."""
        return min(float(self.release.relevance(one, target, self.bits, hamming)) for one in self.sources)


def source_modalities(study: Study) -> tuple[Modality, ...]:
    """Return the modalities that a query is made of: its own, or those of the cases whose mean it is."""
    return tuple(study.facts.get("kinds") or (study.modality,))
