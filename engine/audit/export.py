"""Rows of the audit as a file for somebody else; the export is an act itself and is written first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.actor import Actor
from engine.audit.atna import xml_of
from engine.audit.export_csv import csv_of
from engine.audit.fhir import bundle_of
from engine.store.acts import Act
from engine.store.audit_file import AuditFile
from engine.store.audit_questions import AuditQuestion, asked

FORMATS: dict[str, tuple[Callable[[Iterable[Mapping[str, Any]]], str], str, str]] = {  # → writer, suffix, media type
    "csv": (csv_of, "csv", "text/csv"),
    "atna": (xml_of, "xml", "application/xml"),
    "fhir": (bundle_of, "json", "application/fhir+json"),
}


def exported(audit: AuditFile, question: AuditQuestion, form: str, actor: Actor) -> str:
    """Return the rows that are asked for in one of FORMATS, oldest first."""
    audit.append(actor, Act("record exported", about={"format": form, **question.facts()}))
    return FORMATS[form][0](asked(audit, question))
