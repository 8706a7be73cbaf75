"""The way out of a collection: audit, make the file, check consent again.

Whoever withdraws while a file is being made is not in it: the file is made again without that case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from engine import plain_text
from engine.actor import Actor
from engine.annotation import Annotation
from engine.errors import UsageError, WorkspaceError
from engine.report.export import Exported
from engine.report.printed import PrintedCase, PrintedCollection
from engine.report.table_csv import csv_bytes, iso
from engine.report.writers import WRITERS
from engine.store.collections import CollectionCase, TeachingCollection
from engine.store.permission import permitted_ids, require
from engine.strings import notice
from engine.study import Study
from engine.teaching import collections
from engine.workspace.annotations import annotations_on
from engine.workspace.workspace import Workspace

FORMATS = ("pdf", "pptx", "csv")


@dataclass(frozen=True)
class CollectionExportRequest:
    """What to export.

    format      : one of FORMATS
    hide_labels : pages or slides to ask from: without labels, notes, ids and origin, and without reports
    bom         : begin a CSV so that Excel takes it for UTF-8
    """

    format: str
    hide_labels: bool = False
    bom: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"There is no format '{self.format}' for a collection: use {', '.join(FORMATS)}.")


def export_collection(
    workspace: Workspace, collection_id: str, request: CollectionExportRequest, *, release: str, actor: Actor
) -> Exported:
    """Return the file of a collection, its cases in their order.

    release : name of the release in use, printed on every page
    Raises UsageError where there is no such collection, WorkspaceError where a case's file cannot be read.
    """
    require(workspace.database, actor, "export")
    while True:
        collection = collections.load(workspace, collection_id, actor=actor)
        items = collections.items(workspace, collection_id, actor=actor)
        ids = [item.study_id for item in items]
        about = f"collection {collection_id}, format {request.format}"
        audit_id = workspace.audit("export", actor=actor, returned=ids, release=release, filters=about)
        try:
            data = _made(workspace, collection, items, request, actor=actor, release=release, audit_id=audit_id)
        except (UsageError, WorkspaceError):
            if permitted_ids(workspace.database, actor, ids) >= set(ids):
                raise
            continue
        if permitted_ids(workspace.database, actor, ids) >= set(ids):
            writer = WRITERS[request.format]
            name = f"casebind-{collection_id}-{audit_id}.{writer.suffix}"
            return Exported(data, name, writer.mime, audit_id, tuple(ids), collection.hidden)


def _made(
    workspace: Workspace,
    collection: TeachingCollection,
    items: Sequence[CollectionCase],
    request: CollectionExportRequest,
    *,
    actor: Actor,
    release: str,
    audit_id: int,
) -> bytes:
    """Return the bytes of the file."""
    when = datetime.now(UTC)
    if request.format == "csv":
        ending = {"release": release, "export_audit_id": audit_id, "exported_at_utc": iso(when), "notice": notice()}
        rows = (_row(collection, n, item) | ending for n, item in enumerate(items, 1))
        return csv_bytes("collection", rows, request.bom)
    blind = request.hide_labels
    drawn = [(n, item) for n, item in enumerate(items, 1) if not (blind and item.row.modality == "text")]
    ids = [] if blind else [item.study_id for _, item in drawn]
    makers = {collection.who, actor.name}
    annotations = [
        one for one in annotations_on(workspace, ids, actor=actor, shared_by=collection.who) if one.author in makers
    ]
    pages = _Pages(partial(workspace.study, actor=actor), drawn, blind, annotations)
    printed = PrintedCollection(
        collection.title, collection.description, pages, collection.hidden, len(items) - len(drawn)
    )
    if request.format == "pptx":
        from engine.report.slides_collection import collection_slides

        return collection_slides(printed, blind=blind, release=release, when=when, audit_id=audit_id)
    from engine.report.pdf_collection import collection_pdf

    return collection_pdf(printed, release=release, when=when, audit_id=audit_id)


def _row(collection: TeachingCollection, position: int, item: CollectionCase) -> dict[str, Any]:
    row = item.row
    return {
        "collection_id": collection.collection_id,
        "collection_title": collection.title,
        "place": position,
        "study_id": item.study_id,
        "encounter_id": row.encounter_id,
        "patient_id": row.patient_id,
        "modality": row.modality,
        "synthetic": row.synthetic,
        "labels": plain_text.one_line(";".join(row.labels)),
        "label_source": plain_text.one_line(row.label_source),
        "note": plain_text.paragraphs(item.note),
        "age_years": row.age,
        "sex": row.sex,
        "view": row.view,
        "cohort": row.cohort,
        "licence": plain_text.one_line(row.licence),
        "query_id": item.query_id,
    }


class _Pages(Sequence[Any]):
    """The items of the file, each with its content read when its page is drawn."""

    def __init__(
        self,
        study: Callable[[str], Study],
        items: Sequence[tuple[int, CollectionCase]],
        hide_labels: bool,
        annotations: Sequence[Annotation],
    ) -> None:
        self.study, self.items, self.hide_labels, self.annotations = study, items, hide_labels, annotations

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        position, item = self.items[index]
        row = item.row
        return PrintedCase(
            item.study_id,
            self.study(item.study_id),
            item.note,
            row.labels,
            row.label_source,
            row.cohort,
            row.licence,
            self.hide_labels,
            position,
            tuple(one for one in self.annotations if one.study_id == item.study_id),
        )
