"""What a round's release would change for somebody's newest queries: neighbours before and after, without promoting it.

Before is the search itself. After is the same search over codes that the release makes in memory of the stored
embeddings, under the same consent, the query's own patient left out, one study of a patient. Queries that are the mean
of several cases are left out: their codes are made of stored ones. So are typed words: labels answer them first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.index.code_columns import Columns
from engine.index.hamming import words_of
from engine.index.snapshot import Base, Snapshot, full_snapshot
from engine.retrieval.answer import Options
from engine.retrieval.neighbours import neighbours_of
from engine.retrieval.stored_query import load_stored_query
from engine.store import queries
from engine.store.filters import Clause
from engine.store.records import StoredQuery, StudyRow
from engine.study import Modality
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

QUERIES, K, BITS = 10, 5, 256
MAX_STUDIES = 100_000  # studies whose codes are made for a look; more take longer than anybody waits
CHUNK = 2048

Fate = Literal["kept", "new", "gone"]


@dataclass(frozen=True)
class PreviewNeighbour:
    """One neighbour. rank from 1; other : its rank on the other side, None beyond the first K

    further_share : share of random pairs of these kinds that are further apart under the same release, 0..1
    """

    study_id: str
    rank: int
    further_share: float
    labels: tuple[str, ...]
    synthetic: bool
    fate: Fate
    other: int | None


@dataclass(frozen=True)
class QueryChange:
    """One query: its neighbours in every modality before and after. description : what was recognised"""

    query_id: str
    modality: Modality
    description: str
    created_at: datetime | None
    before: dict[Modality, tuple[PreviewNeighbour, ...]]
    after: dict[Modality, tuple[PreviewNeighbour, ...]]

    @property
    def unchanged_count(self) -> int:
        """How many of the neighbours before are there after."""
        return sum(one.fate == "kept" for near in self.before.values() for one in near)

    @property
    def total(self) -> int:
        """How many neighbours there were before."""
        return sum(len(near) for near in self.before.values())


class Preview:
    """The codes that a release would give to every study of a workspace; made once, for several looks."""

    def __init__(self, workspace: Workspace, serving: Release, candidate: Release) -> None:
        if candidate.encoders != serving.encoders:
            raise UsageError(
                f"Releases {serving.name} and {candidate.name} have other encoders: their neighbours cannot be "
                "compared without a re-index."
            )
        if sum(workspace.all_counts().values()) > MAX_STUDIES:
            raise UsageError(
                f"The workspace holds more than {MAX_STUDIES} studies: a look before promoting would take long."
            )
        self.serving, self.candidate = serving, candidate
        self.views: dict[Modality, Snapshot] = {m: _view(workspace, serving, candidate, m) for m in serving.modalities}

    def nearest(self, workspace: Workspace, actor: Actor, asked: _RepeatedQuery, k: int) -> dict[Modality, _Hits]:
        """Return (study id, distance) of the nearest of every modality under the coming codes, permitted ones only."""
        stored, own = asked
        code = self.candidate.codes(stored.embedding[None], stored.study.modality)
        query, denied, found = words_of(code)[0], workspace.denied([own], actor=actor), {}
        for modality, view in self.views.items():
            hits = view.nearest(query, k, BITS, view.mask(denied=denied), workspace.snapshots.study_ids_of)
            names = workspace.snapshots.study_ids_of(hits.ordinals)
            pairs = zip(hits.ordinals.tolist(), hits.distances.tolist(), strict=True)
            found[modality] = [(names[ordinal], far) for ordinal, far in pairs if ordinal in names]
        return found


_Hits = list[tuple[str, int]]


class _RepeatedQuery(NamedTuple):
    stored: StoredQuery
    own: Clause


def version(workspace: Workspace) -> tuple[object, ...]:
    """Return what differs after another query, study or decision on consent: a preview is made again then."""
    return (*queries.version(workspace.database), *workspace.snapshots.version(), workspace.releases.switch_version())


def preview_changes(
    workspace: Workspace, actor: Actor, preview: Preview, asked_by: str | None, *, n: int = QUERIES, k: int = K
) -> list[QueryChange]:
    """Return what changes for the newest n queries of a person, or of anybody, newest first; audited.

    actor : who looks at the changes. asked_by : who asked the queries; None for anybody
    """
    found = [
        _change(workspace, actor, preview, one, k) for one in _newest(workspace, actor, preview.serving, asked_by, n)
    ]
    shown = {
        one.study_id
        for change in found
        for side in (change.before, change.after)
        for near in side.values()
        for one in near
    }
    about = f"{len(found)} queries under {preview.serving.name} and {preview.candidate.name}"
    workspace.audit(
        "changes", actor=actor, returned=tuple(sorted(shown)), release=preview.candidate.name, filters=about
    )
    return found


def _newest(workspace: Workspace, actor: Actor, serving: Release, asked_by: str | None, n: int) -> list[_RepeatedQuery]:
    """Return the newest stored queries that may still be asked."""
    out: list[_RepeatedQuery] = []
    for query_id in queries.newest_ids(workspace.database, 3 * n, who=asked_by, means=False):
        try:
            stored, own = load_stored_query(workspace, serving, query_id, actor=actor)
        except UsageError:  # its patient has withdrawn
            continue
        if not stored.is_typed:
            out.append(_RepeatedQuery(stored, own))
        if len(out) == n:
            break
    return out


def _change(workspace: Workspace, actor: Actor, preview: Preview, asked: _RepeatedQuery, k: int) -> QueryChange:
    stored, own = asked
    near, _, _ = neighbours_of(workspace, preview.serving, stored, own, Options(k=k, bits=BITS), actor=actor)
    new = preview.nearest(workspace, actor, asked, k)
    old: dict[Modality, _Hits] = {m: [(x.study_id, x.hamming) for x in near if x.modality == m] for m in new}
    ids = {study_id for side in (old, new) for pairs in side.values() for study_id, _ in pairs}
    known = {row.study_id: row for row in workspace.rows(sorted(ids), actor=actor)}
    return QueryChange(
        stored.query_id,
        stored.study.modality,
        stored.study.recognised,
        stored.created_at,
        {m: _nears(_shares(preview.serving, stored, m, old[m]), new[m], known, "gone") for m in new},
        {m: _nears(_shares(preview.candidate, stored, m, new[m]), old[m], known, "new") for m in new},
    )


def _shares(release: Release, stored: StoredQuery, target: Modality, hits: _Hits) -> list[tuple[str, float]]:
    """Return (study id, share of random pairs that are further apart) of the neighbours under a release."""
    asked = stored.study.modality
    return [(study_id, float(release.further_share(asked, target, BITS, far))) for study_id, far in hits]


def _nears(
    mine: list[tuple[str, float]], others: _Hits, known: dict[str, StudyRow], alone: Fate
) -> tuple[PreviewNeighbour, ...]:
    """Return one side's neighbours; what was deleted since the search is left out."""
    there = {study_id: rank for rank, (study_id, _) in enumerate(others, start=1)}
    return tuple(
        PreviewNeighbour(
            study_id,
            rank,
            share,
            known[study_id].labels,
            known[study_id].synthetic,
            "kept" if study_id in there else alone,
            there.get(study_id),
        )
        for rank, (study_id, share) in enumerate(mine, start=1)
        if study_id in known
    )


def _view(workspace: Workspace, serving: Release, candidate: Release, modality: Modality) -> Snapshot:
    """Return the coming codes of one modality as a snapshot, in the order of the study ids."""
    known = workspace.codes(serving.name, modality)
    ids, words = [str(one) for one in known.ids], np.zeros((4, known.ids.size), np.uint64)
    for first in range(0, len(ids), CHUNK):
        z = workspace.embeddings(serving.name, ids[first : first + CHUNK])
        codes = np.stack([candidate.codes(one[None], modality)[0] for one in z])  # one by one, as a re-index makes them
        words[:, first : first + CHUNK] = words_of(codes).T
    return full_snapshot(Base(Columns(words, known.ordinals, known.groups)))
