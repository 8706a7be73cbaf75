"""What is true of a case: by its labels, by what is known for sure, or by a panel's file. Readers never see it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from engine.errors import UsageError, brief
from engine.findings.recogniser import findings_named, labels_of
from engine.store.quizzes import Candidate

TruthSource = Literal["labels", "reference", "panel"]
TRUTH_SOURCES: tuple[TruthSource, ...] = ("labels", "reference", "panel")
"""labels: those of the collection, as far as they were checked; reference: findings that are known for sure; panel: a
file of a panel that read the cases."""

Panel = Mapping[str, Mapping[str, bool]]
YES, NO = ("1", "yes", "true", "present"), ("0", "no", "false", "absent")


def truth_of(case: Candidate, findings: Sequence[str], source: TruthSource, panel: Panel) -> tuple[bool, ...] | None:
    """Return whether each finding is present; None where the source does not say."""
    if source == "panel":
        said = panel.get(case.study_id)
        return None if said is None else tuple(said[finding] for finding in findings)
    if source == "reference":
        if not case.reference and case.checked is None:
            return None
        labels = {one.label for one in case.reference} | {one.kind for one in case.reference} | (case.checked or set())
        return tuple(carries(labels, finding) for finding in findings)
    return tuple(carries(case.asked_labels, finding) for finding in findings) if case.labels else None


def carries(labels: Sequence[str] | set[str], finding: str) -> bool:
    """Return whether labels name a finding or a kind of it, in any of the ways in which it is written."""
    plain = finding.casefold()
    if any(label.casefold() == plain for label in labels):
        return True
    return any(labels_of(name, labels) for name, _ in findings_named(finding))


def read_panel(file: Path, findings: Sequence[str]) -> dict[str, dict[str, bool]]:
    """Return study id → finding → present of a CSV with `study_id` and a column per finding (1 or 0).

    Raises UsageError where a column is missing or a cell is neither.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.DictReader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The panel's file {file} cannot be read: name a CSV with study_id.") from error
    missing = [name for name in ("study_id", *findings) if not rows or name not in rows[0]]
    if missing:
        raise UsageError(f"The panel's file {file} has no column '{brief(missing[0])}': add it, nothing was stored.")
    return {row["study_id"]: {one: _cell(file, row, one) for one in findings} for row in rows}


def _cell(file: Path, row: Mapping[str, str], finding: str) -> bool:
    words = (row[finding] or "").strip().casefold()
    if words in YES:
        return True
    if words in NO:
        return False
    raise UsageError(
        f"The panel's file {file} says '{brief(words)}' of {brief(row['study_id'])}: write 1 or 0 for each finding."
    )
