"""From a code to its neighbours: the mask before the search, the search per modality, the rows after it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.backends.protocol import CodeQuery
from engine.index.hamming import words_of
from engine.index.snapshot import Hits
from engine.retrieval.answer import Neighbour, Options
from engine.retrieval.calibration import QueryCalibration, source_modalities
from engine.retrieval.rerank import pool_size, reranked
from engine.store import studies
from engine.store.filters import Clause
from engine.store.permission import policies
from engine.store.records import StoredQuery, StudyRow
from engine.study import Modality
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

ATTEMPTS = 3  # to find neighbours none of which is deleted meanwhile


def neighbours_of(
    workspace: Workspace, release: Release, stored: StoredQuery, own: Clause, options: Options, *, actor: Actor
) -> tuple[list[Neighbour], dict[str, bool], tuple[str, ...]]:
    """Return the nearest studies of every target modality, whether nothing there is close, and which sites are missing.

    A study that is deleted or withdrawn between the search and the reading of its row is searched past; the last
    attempt lets nobody change anything meanwhile.
    """
    scale, bits = QueryCalibration(release, source_modalities(stored.study), options.bits), options.bits
    query, clauses = words_of(stored.code[None])[0], [*policies(actor), *options.filters.clauses()]
    wanted = options.k if options.rerank == "none" else pool_size(options.k)
    targets = [into for into in options.targets if into in release.modalities]
    if not targets and options.targets:
        release.check(options.targets[0])
    asks = {into: CodeQuery(query, wanted, bits, _reach(scale, into, options)) for into in targets}
    for attempt in range(1, ATTEMPTS + 1):
        with workspace.database.exclusive() if attempt == ATTEMPTS else contextlib.nullcontext():
            found = workspace.backend.nearest(release.name, asks, clauses, own)
            near = {
                into: _chosen(
                    workspace, release, stored, into, _within(hits, scale, into, options), options=options, actor=actor
                )
                for into, hits in found.hits.items()
            }
            ordinals = [ordinal for pairs in near.values() for ordinal, _ in pairs]
            rows = studies.rows_by_ordinal(workspace.database, actor, ordinals)
        if len(rows) == len(ordinals):
            break
    neighbours = [
        _neighbour(rank, rows[ordinal], far, scale)
        for pairs in near.values()
        for rank, (ordinal, far) in enumerate(pairs, start=1)
        if ordinal in rows
    ]
    nothing_close = {str(into): not _close(hits, scale, into) for into, hits in found.hits.items()}
    return neighbours, nothing_close, found.missing


def _reach(calibration: QueryCalibration, target: Modality, options: Options) -> int | None:
    """Return the radius of the search: an operating point's, and at least as far as what is called close."""
    if options.operating_point is None:
        return None
    return max(calibration.close_limit(target), calibration.radius(target, options.operating_point))


def _within(hits: Hits, calibration: QueryCalibration, target: Modality, options: Options) -> list[tuple[int, int]]:
    """Return (ordinal, distance) of the hits that the operating point lets through."""
    radius = None if options.operating_point is None else calibration.radius(target, options.operating_point)
    near = zip(hits.ordinals.tolist(), hits.distances.tolist(), strict=True)
    return [(ordinal, far) for ordinal, far in near if radius is None or far <= radius]


def _chosen(
    workspace: Workspace,
    release: Release,
    stored: StoredQuery,
    target: Modality,
    near: list[tuple[int, int]],
    *,
    options: Options,
    actor: Actor,
) -> list[tuple[int, int]]:
    """Return the first k, after re-ranking the pool where that is asked for."""
    if options.rerank != "none":
        near = reranked(workspace, release, stored, target, near, options=options, actor=actor)
    return near[: options.k]


def _close(hits: Hits, calibration: QueryCalibration, target: Modality) -> bool:
    """Say whether the nearest permitted study is close at all."""
    return bool(hits.distances.size and hits.distances[0] <= calibration.close_limit(target))


def _neighbour(rank: int, row: StudyRow, hamming: int, calibration: QueryCalibration) -> Neighbour:
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
        bits=calibration.bits,
        further_share=round(calibration.further_share(row.modality, hamming), 4),
        relevance=round(calibration.relevance(row.modality, hamming), 4),
        release=calibration.release.name,
    )
