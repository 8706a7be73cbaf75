"""What a map shows now: its points with their studies' facts, without those who withdrew or are gone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.findings import findings, vocabulary
from engine.map.file import Chart, source
from engine.store.maps import fact_columns
from engine.workspace.workspace import Workspace

BY = ("finding", "modality", "cohort")
NAMED = 7  # groups with a colour and a shape of their own; what is left shares one
OTHER, NONE = "other", "none"  # studies of no named group; studies without a label


@dataclass(frozen=True)
class MapState:
    """How a made map stands to the collection now.

    fresh   : made of exactly what there is now
    added   : permitted studies that are not on it
    removed : studies of it that are no longer shown
    """

    fresh: bool
    added: int
    removed: int


@dataclass(frozen=True, eq=False)
class Points:
    """The points shown, (n,) each; `xy` is (n, 2) and `labels` holds a tuple per study."""

    ids: np.ndarray
    xy: np.ndarray
    modality: np.ndarray
    cohort: np.ndarray
    labels: list[tuple[str, ...]]
    synthetic: np.ndarray
    state: MapState

    @cached_property
    def index_of(self) -> dict[str, int]:
        """Return study id → index of its point."""
        return {study_id: index for index, study_id in enumerate(self.ids)}

    @cached_property
    def findings(self) -> list[frozenset[str]]:
        """Return the findings that each study's labels mean."""
        return [findings(labels) for labels in self.labels]

    @cached_property
    def finding_counts(self) -> list[tuple[str, int]]:
        """Return (finding, studies), most frequent first, then in the order of the vocabulary."""
        counts = Counter(name for names in self.findings for name in names)
        order = {name: index for index, name in enumerate(vocabulary())}
        return sorted(counts.items(), key=lambda one: (-one[1], order[one[0]]))

    def take(self, indices: np.ndarray) -> list[str]:
        """Return the ids at some indices."""
        return [str(one) for one in self.ids[indices]]


def points_of(workspace: Workspace, chart: Chart, release_digest: str, *, actor: Actor) -> Points:
    """Return what of a map the actor may see now, and how the map stands to the collection."""
    facts = fact_columns(workspace.database, actor, list(chart.ids))
    row_of = {study_id: row for row, study_id in enumerate(facts["study_id"])}
    shown = np.array([study_id in row_of for study_id in chart.ids], bool)
    order = np.array([row_of[study_id] for study_id in chart.ids[shown]], np.int64)
    now = source(workspace, chart.release, release_digest, actor=actor)
    missing = len(now.ids) - chart.total if chart.total > len(chart.ids) else len(set(now.ids) - set(chart.ids))
    state = MapState(now.digest == chart.digest, max(0, missing), int((~shown).sum()))
    return Points(
        ids=chart.ids[shown],
        xy=chart.points[shown],
        modality=np.asarray(facts["modality"], object)[order],
        cohort=np.asarray(facts["cohort"], object)[order],
        labels=[tuple(facts["labels"][row]) for row in order],
        synthetic=np.asarray(facts["synthetic"], bool)[order],
        state=state,
    )


def groups(points: Points, by: str) -> tuple[list[str], np.ndarray]:
    """Return the names of the groups, and each point's group as (n,) int64.

    A study with several findings stands with the rarest of its named ones, which says most about it. Names are
    findings, modalities or cohorts, the most frequent first; then OTHER, then NONE, where there are any.
    """
    if by not in BY:
        raise UsageError(f"There is no colouring by '{by}': use {', '.join(BY)}.")
    of_point = points.findings if by == "finding" else [frozenset([one]) for one in getattr(points, by)]
    counts = points.finding_counts if by == "finding" else sorted(Counter(getattr(points, by)).items(), key=_most)
    names = [name for name, _ in counts[:NAMED]]
    rarity = {name: index for index, name in enumerate(names)}
    unlabelled = [not labels for labels in points.labels] if by == "finding" else [False] * len(of_point)
    group = np.array(
        [
            max((rarity[one] for one in own if one in rarity), default=len(names) + empty)
            for own, empty in zip(of_point, unlabelled, strict=True)
        ],
        np.int64,
    )
    present = [index for index in range(len(names) + 2) if (group == index).any()]
    renumbered = np.full(len(names) + 2, -1)
    renumbered[present] = np.arange(len(present))
    return [([*names, OTHER, NONE])[index] for index in present], renumbered[group]


def _most(one: tuple[str, int]) -> tuple[int, str]:
    return -one[1], one[0]
