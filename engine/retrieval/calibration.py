"""What a distance means for a query: radius, what is close, the share of pairs further apart, and what was counted.

Radii and the share of pairs further apart are a release's, per pair of modalities; a group's own radius may take the
place of one (engine.retrieval.group_radius). What may be said of a neighbour is the collection's own: of pairs like
this one, how many share a finding (engine.learning.collection_calibration). Where too few were counted nothing is said.
A mean of several cases, a part of a recording and words that somebody typed are unlike anything that was counted: of
their neighbours nothing is said either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.metrics.counted import Cell, cell_for
from engine.retrieval.group_radius import BITS, POINT, GroupRadius, radii_of
from engine.store.records import StoredQuery
from engine.study import Modality, Study

if TYPE_CHECKING:
    from engine.model.release import Release
    from engine.workspace.workspace import Workspace

SYNTHETIC, RECORDED = "synthetic", "recorded"  # whose queries were counted


def origin_of(synthetic: bool) -> str:
    """Return the origin of a query."""
    return SYNTHETIC if synthetic else RECORDED


@dataclass(frozen=True)
class QueryCalibration:
    """The tables of one query: the modalities that it is made of, and how many bits are compared.

    counts : what was counted in the collection under the release, as JSON; empty before anything was
    origin : of the query
    like_counted : whether it is a whole recording, film or report, like those that were counted
    groups : the radii of the groups that it is of, where they are in use
    """

    release: Release
    sources: tuple[Modality, ...]
    bits: int
    counts: dict[str, Any]
    origin: str
    like_counted: bool
    groups: tuple[GroupRadius, ...] = ()

    def radius(self, target: Modality, operating_point: str) -> int:
        """Return the radius of an operating point, bits; that of the query's own group where it is in use."""
        return radius_of(self.release, self.sources, target, self.bits, operating_point, groups=self.groups)

    def close_limit(self, target: Modality) -> int:
        """Return the distance beyond which nothing is close, bits: the collection's; the release's before a count."""
        return min(self._close_limit(one, target) for one in self.sources)

    def further_share(self, target: Modality, hamming: int) -> float:
        """Return the share of random pairs that are further apart, 0..1."""
        return min(float(self.release.further_share(one, target, self.bits, hamming)) for one in self.sources)

    def counted(self, target: Modality, cohort: str, agreeing: int, hamming: int) -> Cell | None:
        """Return what was counted of pairs like this one, or None where nothing was.

        agreeing : of the nine other nearest, how many share a finding with the neighbour
        """
        if not self.like_counted:
            return None
        cells = self._counts(self.sources[0], target).get("cells", {}).get(cohort, {}).get(self.origin, [])
        return cell_for([as_cell(row) for row in cells], agreeing, hamming)

    def _counts(self, source: Modality, target: Modality) -> dict[str, Any]:
        found: dict[str, Any] = self.counts.get("pairs", {}).get(f"{source}>{target}", {}).get(str(self.bits), {})
        return found

    def _close_limit(self, source: Modality, target: Modality) -> int:
        own = self._counts(source, target).get("close", {}).get(self.origin)
        return int(self.release.close_limit(source, target, self.bits)) if own is None else int(own)


def as_cell(row: dict[str, Any]) -> Cell:
    """Return a cell from its JSON."""
    return Cell(**{**row, "agreeing": tuple(row["agreeing"]), "distance": tuple(row["distance"])})


def calibration_of(
    release: Release,
    stored: StoredQuery,
    bits: int,
    counts: dict[str, Any] | None,
    *,
    groups: tuple[GroupRadius, ...] = (),
) -> QueryCalibration:
    """Return the tables of a query."""
    origin = origin_of(bool(stored.study.facts.get("synthetic")))
    return QueryCalibration(
        release, source_modalities(stored.study), bits, counts or {}, origin, is_whole(stored), groups
    )


def is_whole(stored: StoredQuery) -> bool:
    """Return whether a query is a whole recording, film or report: no mean, no part, and not typed."""
    facts = stored.study.facts
    return not facts.get("like") and not facts.get("part_of") and not stored.is_typed


def groups_of(workspace: Workspace, release: Release, stored: StoredQuery, bits: int) -> tuple[GroupRadius, ...]:
    """Return the radii of a query's own groups that are in use; none at shorter codes, and of what is not whole."""
    return radii_of(workspace.database, release.digest, stored.study) if is_whole(stored) and bits == BITS else ()


def radius_of(
    release: Release,
    sources: Sequence[Modality],
    target: Modality,
    bits: int,
    operating_point: str,
    *,
    groups: Sequence[GroupRadius] = (),
) -> int:
    """Return the radius of an operating point, bits: of the query's own group where one is given, else the release's.

    sources : the modalities that the query is made of
    """
    own = [one.radius for one in groups if one.target == target and (bits, operating_point) == (BITS, POINT)]
    return min(own or [int(release.radius(one, target, bits, operating_point)) for one in sources])


def source_modalities(study: Study) -> tuple[Modality, ...]:
    """Return the modalities that a query is made of: its own, or those of the cases whose mean it is."""
    return tuple(study.facts.get("kinds") or (study.modality,))
