"""The check of queries for what is taken in: whether small changes move a study's code unusually far.

A film that was changed on purpose can place itself beside a chosen patient's studies, for everybody who asks near them.
Each film of an ingest is encoded once more from a slightly changed copy (engine.model.squeeze), where the release has a
limit for its modality; what turns further is taken in all the same, with a mark that the page Watch lists. That takes
about as long again as judging and encoding, so data sets as they were published, and what the archive sends by itself,
are not checked: they come by the thousand, from somebody who is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.model.squeeze import moves_of
from engine.model.steadiness import steadiness_of
from engine.workspace.pipeline import Outcome

if TYPE_CHECKING:
    from engine.model.release import Release


def with_unsteady_marked(outcomes: Sequence[Outcome], release: Release) -> list[Outcome]:
    """Return outcomes of which those that small changes move beyond the release's limit say how far.

    Synthetic studies are left out: who made them knows them. Raises ReleaseError where the limits are damaged.
    """
    found = list(outcomes)
    for modality in {one.study.modality for one in found if one.study is not None}:
        limit = steadiness_of(release, modality)
        checked = [at for at, one in enumerate(found) if limit is not None and _is_checked(one, modality)]
        for at, turn in zip(checked, _turns([found[at] for at in checked], release), strict=True):
            if limit is not None and turn > limit.limit:
                found[at] = replace(found[at], turn=round(turn, 4))
    return found


def _is_checked(outcome: Outcome, modality: str) -> bool:
    study = outcome.study
    known = study is not None and study.modality == modality and not study.facts.get("synthetic")
    return known and outcome.accepted


def _turns(outcomes: Sequence[Outcome], release: Release) -> list[float]:
    """Return how far small changes turn the projections of studies of one modality."""
    studies = [one.study for one in outcomes if one.study is not None]
    if not studies:
        return []
    return [one.turn for one in moves_of(release, studies, np.stack([one.embedding for one in outcomes]))]
