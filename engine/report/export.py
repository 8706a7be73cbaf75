"""The one way out of the workspace: choose, check consent, audit, make the file, check consent again.

Whoever withdraws while a file is being made is not in it: the file is made again without that study.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from engine import plain_text
from engine.actor import Actor
from engine.errors import UsageError, WorkspaceError
from engine.learning.blind import visible
from engine.report.report import Explained, Report, check_query, chosen
from engine.report.writers import WRITERS, ExportRequest
from engine.retrieval.answer import Answer, Neighbour
from engine.store.permission import permitted_ids, require
from engine.workspace.annotations import annotations_on
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
    write: Callable[[Report, ExportRequest], bytes] | None = None,
) -> Exported:
    """Return the file of an answer.

    write   : makes it in the place of the format's writer, where it does not become a file
    release : makes the maps where `request.overlay` and no `maps` of the first case are given
    Raises UsageError where a case is not among the results, nothing may be exported or the query's patient withdrew.
    """
    require(workspace.database, actor, "export")
    picked, writer = _picked(answer, request), WRITERS[request.format]
    picked_ids = [one.study_id for one in picked]
    while True:
        check_query(workspace, answer, actor=actor)
        allowed = permitted_ids(workspace.database, actor, picked_ids)
        report = _begin(workspace, answer, picked, allowed=allowed, request=request, actor=actor)
        try:
            found = _explained(report, request, maps, lambda case: _maps(workspace, release, answer, case, actor=actor))
            data = (write or writer.write)(found, request)
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
    neighbours, writer = chosen(answer, request.cases), WRITERS[request.format]
    if writer.single:
        return neighbours[:1] if request.cases else nearest_few(answer, neighbours, 1)
    if writer.few and not request.cases and not request.appendix:
        return _first(answer, neighbours, request, writer.few)
    return neighbours


def _first(answer: Answer, neighbours: Sequence[Neighbour], request: ExportRequest, few: int) -> tuple[Neighbour, ...]:
    """Return the cases of the first page: those that are named, else the nearest few."""
    named = set(request.first or request.cases)
    if named:
        chosen(answer, tuple(named))
        return tuple(one for one in neighbours if one.study_id in named)
    return nearest_few(answer, neighbours, few)


def nearest_few(answer: Answer, neighbours: Sequence[Neighbour], few: int) -> tuple[Neighbour, ...]:
    """Return the nearest of the query's own modality, then those closer than most random pairs are."""
    alike = [one for one in neighbours if one.modality == answer.study.modality]
    others = [one for one in neighbours if one.modality != answer.study.modality]
    return (*alike, *sorted(others, key=lambda one: -one.further_share))[:few]


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
    few = WRITERS[request.format].few
    drawn = annotations_on(workspace, [answer.query_id, *ids], actor=actor, of=actor.name)
    given = workspace.all_ratings(answer.query_id)
    readable = visible(given, actor) if actor.signed_in else given
    ratings = tuple(one for one in readable if one.study_id in allowed)
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
        first=_first(answer, neighbours, request, few) if few else (),
        reader=plain_text.one_line(request.reader),
        comment=plain_text.paragraphs(request.comment),
        drawn=tuple(drawn),
    )


def _explained(
    report: Report, request: ExportRequest, maps: PairMaps | None, explain: Callable[[str], PairMaps]
) -> Report:
    """Return the report with the maps of its first case, where they are wanted."""
    if not request.overlay or not WRITERS[request.format].explainable or not report.neighbours:
        return report
    first = report.first[0] if report.first else report.neighbours[0]
    match = report.study(first.study_id)
    return replace(report, explained=Explained(first, match, explain(first.study_id) if maps is None else maps))


def _maps(workspace: Workspace, release: Release | None, answer: Answer, case: str, *, actor: Actor) -> PairMaps:
    """Return the maps of the query and a case."""
    from engine.explain.workspace_maps import explained

    if release is None:
        raise UsageError("There is no release to explain the pair with: install one, or export without overlay.")
    *_, maps = explained(workspace, release, answer.study, case, actor=actor)
    return maps
