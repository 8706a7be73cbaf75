"""The check of queries for what is taken in: whether small changes move a study's code unusually far.

A film that was changed on purpose can place itself beside a chosen patient's studies, for everybody who asks near them.
Each film of an ingest is encoded once more from a slightly changed copy (engine.model.squeeze), where the release has a
limit for its modality; what turns further is taken in all the same, with a mark that the page Watch lists. What the
archive sends by itself is not checked: it comes in a flood, from a sender that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.squeeze import move
from engine.model.steadiness import steadiness_of
from engine.workspace.pipeline import Outcome

if TYPE_CHECKING:
    from engine.model.release import Release


def with_unsteady_marked(outcomes: Sequence[Outcome], release: Release) -> list[Outcome]:
    """Return outcomes of which those that small changes move beyond the release's limit say how far.

    Synthetic studies are left out: who made them knows them. Raises ReleaseError where the limits are damaged.
    """
    return [_marked(one, release) for one in outcomes]


def _marked(outcome: Outcome, release: Release) -> Outcome:
    study = outcome.study
    if study is None or not outcome.accepted or study.facts.get("synthetic"):
        return outcome
    limit = steadiness_of(release, study.modality)
    if limit is None:
        return outcome
    turn = move(release, study, outcome.embedding).turn
    return replace(outcome, turn=round(turn, 4)) if turn > limit.limit else outcome
