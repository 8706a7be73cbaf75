"""Labels of studies that come with a report and without labels: what their report affirms, marked so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.findings.reports import labels_from_report
from engine.workspace.manifest import StudyEntry

FROM_REPORT = "from report"  # the source of such labels, as every card says it


def with_report_labels(entries: Sequence[StudyEntry]) -> tuple[list[StudyEntry], int]:
    """Return the entries with labels from their reports where they have none, and how many were given some."""
    read = [_read(entry) for entry in entries]
    return read, sum(one is not entry for one, entry in zip(read, entries, strict=True))


def _read(entry: StudyEntry) -> StudyEntry:
    report = str(entry.facts.get("report") or "")
    if entry.facts.get("labels") or not report or entry.problem:
        return entry
    labels = labels_from_report(report, str(entry.facts.get("modality") or ""))
    if not labels:
        return entry
    return replace(entry, facts={**entry.facts, "labels": list(labels), "label_source": FROM_REPORT})
