"""From a code to its neighbours: the mask before the search, the search per modality, the rows after it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from engine.answer import Neighbour, Options
from engine.index import shelf
from engine.index.filters import Clause
from engine.index.hamming import words_of
from engine.index.records import StoredQuery, StudyRow
from engine.index.view import Permit, View
from engine.index.workspace import Workspace
from engine.rerank import pool_size, reranked
from engine.study import Modality

if TYPE_CHECKING:
    from engine.release import Release

ATTEMPTS = 3  # to find neighbours none of which is deleted meanwhile


def neighbours_of(
    workspace: Workspace, release: Release, stored: StoredQuery, own: Clause, options: Options
) -> tuple[list[Neighbour], dict[str, bool]]:
    """Return the nearest studies of every target modality, and whether nothing there is close.

    A study that is deleted between the search and the reading of its row is searched past; the last attempt lets
    nobody change anything meanwhile.
    """
    source, bits = stored.study.modality, options.bits
    for attempt in range(1, ATTEMPTS + 1):
        with workspace.database.exclusive() if attempt == ATTEMPTS else contextlib.nullcontext():
            views, permits = workspace.arrays.moment(release.name, options.into, options.filters.clauses(), own)
            found = {
                target: _into(workspace, release, view, permits[target], stored, target, options)
                for target, view in views.items()
            }
            ordinals = [ordinal for near, _ in found.values() for ordinal, _ in near]
            rows = shelf.rows_by_ordinal(workspace.database, ordinals)
        if len(rows) == len(ordinals):
            break
    neighbours = [
        _neighbour(rank, rows[ordinal], far, bits, release, source)
        for near, _ in found.values()
        for rank, (ordinal, far) in enumerate(near, start=1)
        if ordinal in rows
    ]
    return neighbours, {target: not close for target, (_, close) in found.items()}


def _into(
    workspace: Workspace, release: Release, view: View, permit: Permit, stored: StoredQuery, target: Modality,
    options: Options,
) -> tuple[list[tuple[int, int]], bool]:  # fmt: skip
    """Return (ordinal, distance) of the nearest in one modality, and whether the nearest permitted is close at all.

    An operating point is a radius of the search; it reaches at least as far as what is called close. With re-ranking, a
    larger pool of the nearest is put in another order before the first k of it are taken.
    """
    query, source, bits = words_of(stored.code[None])[0], stored.study.modality, options.bits
    limit = release.close_limit(source, target, bits)
    radius = None if options.at is None else release.radius(source, target, bits, options.at)
    reach = None if radius is None else int(max(limit, radius))
    wanted = options.k if options.rerank == "none" else pool_size(options.k)
    hits = view.nearest(query, wanted, bits, permit, workspace.arrays.names, reach)
    close = bool(hits.distances.size and hits.distances[0] <= limit)
    pairs = zip(hits.ordinals.tolist(), hits.distances.tolist(), strict=True)
    near = [(ordinal, far) for ordinal, far in pairs if radius is None or far <= radius]
    if options.rerank != "none":
        near = reranked(workspace, release, stored, target, near, bits, options.rerank)
    return near[: options.k], close


def _neighbour(rank: int, row: StudyRow, hamming: int, bits: int, release: Release, source: Modality) -> Neighbour:
    return Neighbour(
        rank=rank,
        study_id=row.study_id,
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        modality=row.modality,
        cohort=row.cohort,
        licence=row.licence,
        labels=row.labels,
        label_source=row.label_source,
        synthetic=row.synthetic,
        age=row.age,
        sex=row.sex,
        view=row.view,
        recognised=row.recognised,
        hamming=hamming,
        bits=bits,
        further_share=round(float(release.further_share(source, row.modality, bits, hamming)), 4),
        relevance=round(float(release.relevance(source, row.modality, bits, hamming)), 4),
    )
