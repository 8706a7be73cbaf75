"""The way out of a collection: audit, make the file, check consent again.

Whoever withdraws while a file is being made is not in it: the file is made again without that case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine import plain_text
from engine.actor import Actor, single_user
from engine.errors import UsageError, WorkspaceError
from engine.report.export import Exported
from engine.report.report import permitted
from engine.report.table_csv import csv_bytes, iso
from engine.report.writers import WRITERS
from engine.strings import notice
from engine.teaching import collections, records
from engine.workspace.workspace import Workspace

FORMATS = ("pdf", "csv")


@dataclass(frozen=True)
class CollectionExportRequest:
    """What to export.

    format      : one of FORMATS
    hide_labels : a PDF to ask from: without labels, notes, ids and origin, and without reports (PDF)
    bom         : begin a CSV so that Excel takes it for UTF-8
    """

    format: str
    hide_labels: bool = False
    bom: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"There is no format '{self.format}' for a collection: use {' or '.join(FORMATS)}.")


def export_collection(
    workspace: Workspace, collection_id: str, request: CollectionExportRequest, *, release: str, who: str = "local"
) -> Exported:
    """Return the file of a collection, its cases in their order.

    release : name of the release in use, printed on every page
    Raises UsageError where there is no such collection, WorkspaceError where a case's file cannot be read.
    """
    while True:
        one, items = collections.load(workspace, collection_id), collections.items(workspace, collection_id)
        ids = [item.study_id for item in items]
        about = f"collection {collection_id}, format {request.format}"
        audit_id = workspace.audit("export", actor=Actor(who), returned=ids, release=release, filters=about)
        try:
            data = _made(workspace, one, items, request, release, audit_id)
        except (UsageError, WorkspaceError):
            if permitted(workspace, ids) >= set(ids):
                raise
            continue
        if permitted(workspace, ids) >= set(ids):
            writer = WRITERS[request.format]
            name = f"casebind-{collection_id}-{audit_id}.{writer.suffix}"
            return Exported(data, name, writer.mime, audit_id, tuple(ids), one.hidden)


def _made(
    workspace: Workspace,
    one: records.TeachingCollection,
    items: Sequence[records.CollectionCase],
    wanted: CollectionExportRequest,
    release: str,
    audit_id: int,
) -> bytes:
    """Return the bytes of the file."""
    when = datetime.now(UTC)
    if wanted.format == "csv":
        ending = {"release": release, "export_audit_id": audit_id, "exported_at_utc": iso(when), "notice": notice()}
        return csv_bytes("collection", (_row(one, n, item) | ending for n, item in enumerate(items, 1)), wanted.bom)
    from engine.report import pdf_collection

    kept = [(n, item) for n, item in enumerate(items, 1) if not (wanted.hide_labels and item.row.modality == "text")]
    printed = pdf_collection.PrintedCollection(
        one.title, one.description, _Pages(workspace, kept, wanted.hide_labels), one.hidden, len(items) - len(kept)
    )
    return pdf_collection.collection_pdf(printed, release=release, when=when, audit_id=audit_id)


def _row(one: records.TeachingCollection, place: int, item: records.CollectionCase) -> dict[str, Any]:
    row = item.row
    return {
        "collection_id": one.collection_id,
        "collection_title": one.title,
        "place": place,
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
    """The items of the PDF, each with its content read when its page is drawn."""

    def __init__(
        self, workspace: Workspace, items: Sequence[tuple[int, records.CollectionCase]], hide_labels: bool
    ) -> None:
        self.workspace, self.items, self.hide_labels = workspace, items, hide_labels

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: Any) -> Any:
        from engine.report.pdf_collection import PrintedCase

        place, item = self.items[at]
        row = item.row
        return PrintedCase(
            item.study_id,
            self.workspace.study(item.study_id, actor=single_user()),
            item.note,
            row.labels,
            row.label_source,
            row.cohort,
            row.licence,
            self.hide_labels,
            place,
        )
