"""Where a query stands on a map that was made without it.

The map (engine.map.layout) has no formula that takes something new, so its place is interpolated: the middle of its
nearest studies by embedding, as openTSNE begins its own transform (Poličar et al. 2019). Where these lie far apart on
the map, the place says little, and `is_clear` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.actor import Actor
from engine.map.layout import nearest
from engine.map.points import Points
from engine.store.rated_studies import load_sides
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

NEAREST = 10  # studies that give a query its place
CLEAR_WITHIN = 0.15  # of the map's width: half of them lie no further from the place


@dataclass(frozen=True)
class QueryPlace:
    """A query on the map. xy (2,); near : ids of the studies that give the place, none where it is its own

    is_clear : whether these lie together on the map
    """

    xy: np.ndarray
    near: tuple[str, ...]
    is_clear: bool


@dataclass(frozen=True, eq=False)
class MapVectors:
    """What the map was laid out from: vectors (n, 256), each modality's mean taken off, and these means."""

    vectors: np.ndarray
    means: dict[str, np.ndarray]


def map_vectors(workspace: Workspace, release: Release, points: Points) -> MapVectors:
    """Return the vectors of the points shown, as the map compares them."""
    z = workspace.embeddings(release.name, [str(one) for one in points.ids])
    means: dict[str, np.ndarray] = {}
    for kind in sorted(set(points.modality)):
        mine = points.modality == kind
        z[mine] = release.mapped(z[mine], str(kind))
        means[str(kind)] = z[mine].mean(0)
        z[mine] -= means[str(kind)]
    return MapVectors(z, means)


def place_query(
    workspace: Workspace, release: Release, points: Points, known: MapVectors, query_id: str, *, actor: Actor
) -> QueryPlace | None:
    """Return where a query stands: a study at its own place, a stored query among its nearest.

    None where it is unknown or withdrawn, was embedded by other encoders, or no study of its kind is on the map.
    """
    if query_id in points.index_of:
        return QueryPlace(points.xy[points.index_of[query_id]], (), True)
    side = load_sides(workspace.database, actor, [query_id]).get(query_id)
    if side is None or side.embedding is None or not side.permitted or side.modality not in known.means:
        return None
    z = release.mapped(side.embedding[None], side.modality) - known.means[side.modality]
    return place_vector(points, known, z)


def place_vector(points: Points, known: MapVectors, z: np.ndarray) -> QueryPlace:
    """Return where a vector (1, 256) of the map's own kind stands."""
    (found,), _ = nearest(z, min(NEAREST, len(points.ids)), among=known.vectors)
    xy = np.median(points.xy[found], axis=0)
    away = np.hypot(*(points.xy[found] - xy).T)
    width = float(np.ptp(points.xy, axis=0).max())
    return QueryPlace(xy, tuple(points.take(found)), bool(np.median(away) <= CLEAR_WITHIN * width))
