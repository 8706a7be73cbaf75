"""A row with a report and without labels takes what its report affirms, marked so; any other row stays as it is."""

from __future__ import annotations

from pathlib import Path

from helpers.workspaces import write_table

from engine.workspace.manifest import read_manifest
from engine.workspace.report_labels import FROM_REPORT, with_report_labels

ROWS = (
    ("a", "ecg", "Atrial fibrillation. No ST elevation. Cardiomegaly on the film.", ""),
    ("b", "ecg", "Atrial fibrillation.", "sinus rhythm"),
    ("c", "ecg", "Nothing of note.", ""),
    ("d", "text", "Pleural effusion on the left.", ""),
)


def test_labels_come_from_reports_where_there_are_none(tmp_path: Path):
    names = ("study_id", "modality", "report", "labels")
    (tmp_path / "x.csv").write_text("I\n0\n")
    rows = [dict(zip(names, row, strict=True)) | {"file": "" if row[1] == "text" else "x.csv"} for row in ROWS]
    read, labelled = with_report_labels(read_manifest(write_table(tmp_path / "manifest.csv", rows)))
    found = {one.study_id: (one.facts.get("labels"), one.facts.get("label_source")) for one in read}
    assert labelled == 2
    assert found == {
        "a": (["atrial fibrillation"], FROM_REPORT),
        "b": (["sinus rhythm"], None),
        "c": (None, None),
        "d": (["pleural effusion"], FROM_REPORT),
    }
