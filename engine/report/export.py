"""The one way out of the workspace: choose, check consent, audit, make the file, check consent again.

Whoever withdraws while a file is being made is not in it: the file is made again without that study.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.errors import UsageError, WorkspaceError
from engine.report.report import Explained, Report, check_query, chosen
from engine.report.writers import WRITERS, ExportRequest
from engine.retrieval.answer import Answer, Neighbour
from engine.store.permission import permitted_ids
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.explain.maps import PairMaps
    from engine.model.release import Release


@dataclass(frozen=True)
class Exported:
    """One finished file: its bytes, the name and type to give it, its audit number, and how many were left out."""

    data: bytes
    name: str
    mime: str
    audit_id: int
    study_ids: tuple[str, ...]
    left_out: int


def export(
    workspace: Workspace,
    release: Release | None,
    answer: Answer,
    request: ExportRequest,
    *,
    actor: Actor,
    maps: PairMaps | None = None,
) -> Exported:
    """Return the file of an answer.

    release : makes the maps where `request.overlay` and no `maps` of the first case are given
    Raises UsageError where a case is not among the results, nothing may be exported or the query's patient withdrew.
    """
    picked, writer = _picked(answer, request), WRITERS[request.format]
    picked_ids = [one.study_id for one in picked]
    while True:
        check_query(workspace, answer, actor=actor)
        allowed = permitted_ids(workspace.database, actor, picked_ids)
        report = _begin(workspace, answer, picked, allowed=allowed, request=request, actor=actor)
        try:
            found = _explained(report, request, maps, lambda case: _maps(workspace, release, answer, case, actor=actor))
            data = writer.write(found, request)
        except (UsageError, WorkspaceError):
            if permitted_ids(workspace.database, actor, picked_ids) == allowed:
                raise
            continue
        if permitted_ids(workspace.database, actor, picked_ids) >= allowed:
            name = f"casebind-{answer.query_id}-{request.format}-{report.audit_id}.{writer.suffix}"
            ids = tuple(one.study_id for one in report.neighbours)
            return Exported(data, name, writer.mime, report.audit_id, ids, report.left_out)


def _picked(answer: Answer, request: ExportRequest) -> tuple[Neighbour, ...]:
    """Return what would leave if everyone still consents."""
    neighbours = chosen(answer, request.cases)
    if not WRITERS[request.format].single:
        return neighbours
    return neighbours[:1] if request.cases or not neighbours else (_nearest(neighbours, answer.study.modality),)


def _nearest(neighbours: Sequence[Neighbour], modality: str) -> Neighbour:
    """Return the nearest of the query's own modality, else the one closer than most random pairs are."""
    alike = [one for one in neighbours if one.modality == modality]
    return max(alike or neighbours, key=lambda one: one.further_share)


def _begin(
    workspace: Workspace,
    answer: Answer,
    picked: Sequence[Neighbour],
    *,
    allowed: frozenset[str],
    request: ExportRequest,
    actor: Actor,
) -> Report:
    """Audit the export and return what it is made from."""
    neighbours = tuple(one for one in picked if one.study_id in allowed)
    ids = tuple(one.study_id for one in neighbours)
    audit_id = workspace.audit(
        "export",
        actor=actor,
        query_id=answer.query_id,
        returned=ids,
        release=answer.release,
        filters=f"format {request.format}",
    )
    ratings = tuple(one for one in workspace.all_ratings(answer.query_id) if one.study_id in allowed)
    return Report(
        answer=answer,
        neighbours=neighbours,
        left_out=len(picked) - len(neighbours),
        ratings=ratings,
        study=partial(workspace.study, actor=actor),
        when=datetime.now(UTC),
        audit_id=audit_id,
        who=actor.name,
        key=workspace.key,
    )


def _explained(
    report: Report, request: ExportRequest, maps: PairMaps | None, explain: Callable[[str], PairMaps]
) -> Report:
    """Return the report with the maps of its first case, where they are wanted."""
    if not request.overlay or not WRITERS[request.format].explainable or not report.neighbours:
        return report
    first = report.neighbours[0] if request.cases else _nearest(report.neighbours, report.query.modality)
    match = report.study(first.study_id)
    return replace(report, explained=Explained(first, match, explain(first.study_id) if maps is None else maps))


def _maps(workspace: Workspace, release: Release | None, answer: Answer, case: str, *, actor: Actor) -> PairMaps:
    """Return the maps of the query and a case."""
    from engine.explain.workspace_maps import explained

    if release is None:
        raise UsageError("There is no release to explain the pair with: install one, or export without overlay.")
    *_, maps = explained(workspace, release, answer.study, case, actor=actor)
    return maps
