"""How many of an answer's neighbours lie within the radius of each operating point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.retrieval.answer import OPERATING_POINTS, Answer
from engine.retrieval.calibration import radius_of, source_modalities
from engine.study import Modality

if TYPE_CHECKING:
    from engine.model.release import Release


class RadiusCount(NamedTuple):
    """n : of the neighbours that were returned; more : whether others that were not returned may lie within as well."""

    n: int
    more: bool


def count_within(release: Release, answer: Answer, targets: Sequence[Modality], k: int) -> dict[str, RadiusCount]:
    """Return operating point → count, of an answer that was searched without a radius; k neighbours of each target."""
    sources, found = source_modalities(answer.study), {}
    for point in OPERATING_POINTS:
        inside = []
        for target in targets:
            radius = radius_of(release, sources, target, answer.bits, point, groups=answer.groups)
            inside.append(sum(one.modality == target and one.hamming <= radius for one in answer.neighbours))
        found[point] = RadiusCount(sum(inside), any(n >= k for n in inside))
    return found
