"""The boxes that radiologists drew on open films come with them as reference findings."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.workspaces import write_table

from engine.datasets.open_recordings import recordings
from engine.reference import findings_in, of_label

FILM = {"study_id": "f1", "patient_id": "p1", "dataset": "nih-cxr14", "split": "test", "licence": "CC0", "view": "PA"}
FILM |= {"age": "60", "sex": "F", "report": "", "file": "images/f1.jpg", "labels": "Pleural Effusion;Lung Opacity"}


def test_boxes_are_outlines_under_the_labels_of_the_film(tmp_path: Path) -> None:
    boxes = json.dumps([["Effusion", 0.5, 0.6, 0.3, 0.5], ["Infiltrate", 0.1, 0.2, 0.2, 0.1]])
    write_table(tmp_path / "cxr" / "cxr.csv", [FILM | {"bboxes": boxes}, FILM | {"study_id": "f2", "bboxes": ""}])
    for name in ("ecg", "ppg"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.csv").write_text("dataset\n", encoding="utf-8")
    boxed, plain = recordings(tmp_path)
    (effusion,) = of_label(findings_in(boxed.extra), "Pleural Effusion")
    assert effusion.boxes == ((0.5, 0.6, 0.8, 1.0),)  # what reaches beyond the film ends at its edge
    assert of_label(findings_in(boxed.extra), "Lung Opacity")[0].kind == "infiltrate"
    assert plain.extra == {}
