"""From a code to its neighbours: the mask before the search, the search per modality, the rows after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.backends.protocol import CodeQuery
from engine.findings import abnormal
from engine.index.hamming import words_of
from engine.index.snapshot import Hits
from engine.metrics.counted import NEAREST, Cell
from engine.retrieval.answer import Counted, Neighbour, Options
from engine.retrieval.calibration import QueryCalibration, calibration_of
from engine.retrieval.group_radius import GroupRadius
from engine.retrieval.rerank import pool_size, reranked
from engine.store import studies
from engine.store.filters import Clause, Filters
from engine.store.permission import policies
from engine.store.records import StoredQuery, StudyRow
from engine.study import Modality
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

ATTEMPTS = 3  # to find neighbours none of which is deleted meanwhile


@dataclass(frozen=True)
class Near:
    """What was found in one modality.

    chosen  : (ordinal, distance) of what is returned, in its order
    nearest : ordinals of the ten nearest, whatever their order after re-ranking
    close   : whether anything is close at all
    """

    chosen: list[tuple[int, int]]
    nearest: list[int]
    close: bool


def neighbours_of(
    workspace: Workspace,
    release: Release,
    stored: StoredQuery,
    own: Clause,
    options: Options,
    *,
    actor: Actor,
    groups: tuple[GroupRadius, ...] = (),
) -> tuple[list[Neighbour], dict[str, bool], tuple[str, ...]]:
    """Return the nearest studies of every target modality, whether nothing there is close, and which sites are missing.

    groups : the radii of the query's own groups, where they are in use
    A study that is deleted or withdrawn between the search and the reading of its row is searched past; the last
    attempt lets nobody change anything meanwhile.
    """
    scale = calibration_of(release, stored, options.bits, workspace.calibration(release.digest), groups=groups)
    clauses = [*policies(workspace.database, actor), *options.filters.clauses()]
    asks = _asks(release, stored, options, scale)
    for attempt in range(1, ATTEMPTS + 1):
        with workspace.database.exclusive() if attempt == ATTEMPTS else contextlib.nullcontext():
            found = workspace.backend.nearest(release.name, asks, clauses, own)
            near = {
                into: _near(workspace, release, stored, into, found.hits, scale=scale, options=options, actor=actor)
                for into in found.hits
                if into in options.targets
            }
            ordinals = {at for one in near.values() for at in (*one.nearest, *(ordinal for ordinal, _ in one.chosen))}
            rows = studies.rows_by_ordinal(workspace.database, actor, sorted(ordinals))
        if len(rows) == len(ordinals):
            break
    shown = [near[into] for into in asks if into in near]
    neighbours = [neighbour for one in shown for neighbour in _neighbours(one, rows, scale, options.filters)]
    return neighbours, {str(into): not one.close for into, one in near.items()}, found.missing


def _asks(
    release: Release, stored: StoredQuery, options: Options, scale: QueryCalibration
) -> dict[Modality, CodeQuery]:
    """Return what is asked of each target modality, and of the query's own for its nearest."""
    query, bits = words_of(stored.code[None])[0], options.bits
    wanted = max(options.k, NEAREST) if options.rerank == "none" else pool_size(options.k)
    targets = [into for into in options.targets if into in release.modalities]
    if not targets and options.targets:
        release.check(options.targets[0])
    asks = {into: CodeQuery(query, wanted, bits, _reach(scale, into, options)) for into in targets}
    if len(scale.sources) == 1 and stored.study.modality in release.modalities:
        asks.setdefault(stored.study.modality, CodeQuery(query, 1, bits))
    return asks


def _near(
    workspace: Workspace,
    release: Release,
    stored: StoredQuery,
    into: Modality,
    found: Mapping[Modality, Hits],
    *,
    scale: QueryCalibration,
    options: Options,
    actor: Actor,
) -> Near:
    """Return what is returned of one modality, in its order, and what is nearest."""
    hits = found[into]
    inside = _within(hits, scale, into, options)
    chosen = _chosen(workspace, release, stored, into, inside, options=options, actor=actor)
    return Near(chosen, hits.ordinals[:NEAREST].tolist(), _close(found, scale, stored.study.modality, into, options))


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


def _close(
    found: Mapping[Modality, Hits], scale: QueryCalibration, own: Modality, target: Modality, options: Options
) -> bool:
    """Say whether the nearest permitted study is close at all.

    A recording that is far from all of its own modality is unlike anything in the collection, and what is near it in
    others is near by chance; filters make far what is not, and so that counts without them alone.
    """
    asked = [target]
    if own in found and found[own].distances.size and not options.filters.clauses():
        asked.append(own)
    return all(bool(found[one].distances.size and found[one].distances[0] <= scale.close_limit(one)) for one in asked)


def _neighbours(
    near: Near, rows: Mapping[int, StudyRow], scale: QueryCalibration, filters: Filters
) -> Iterator[Neighbour]:
    """Yield what is returned of one modality, with what was counted of pairs like it.

    Nothing is said where nothing is close, where the labels were chosen by a filter, of a neighbour that is none of the
    ten nearest, and of one without a finding to share.
    """
    findings = {at: abnormal(rows[at].labels) for at in near.nearest if at in rows}
    sayable = near.close and not filters.by_label
    for rank, (ordinal, far) in enumerate((pair for pair in near.chosen if pair[0] in rows), start=1):
        row, cell = rows[ordinal], None
        if sayable and findings.get(ordinal):
            agreeing = sum(bool(findings[ordinal] & other) for at, other in findings.items() if at != ordinal)
            cell = scale.counted(row.modality, row.cohort, agreeing, far)
        yield _neighbour(rank, row, far, scale, cell)


def _neighbour(rank: int, row: StudyRow, hamming: int, calibration: QueryCalibration, cell: Cell | None) -> Neighbour:
    counted = Counted() if cell is None else Counted(cell.pairs, cell.sharing, cell.low, cell.high)
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
        relevance=round(cell.share, 4) if cell is not None and cell.claimed else None,
        counted=counted,
        release=calibration.release.name,
    )
