"""A synthetic study says so wherever it goes: workspace, answers, more like this, encodings, explanations."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import settings
from engine.actor import single_user
from engine.cli import run
from engine.explain.maps import PairMaps, RawMaps
from engine.explain.picture import draw_pair_figure
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search, search_stored
from engine.study import Note, Study
from engine.workspace.manifest import read_manifest
from engine.workspace.workspace import Workspace


def test_every_study_of_the_workspace_is_marked_with_its_label_source(workspace: Workspace) -> None:
    rows = workspace.all_rows()
    assert len(rows) > 30
    assert all(row.synthetic and row.label_source == "generated" and "synthetic" in row.licence for row in rows)
    assert workspace.study(rows[0].study_id, actor=single_user()).facts["synthetic"] is True


def test_json_names_synthetic_neighbours_and_a_synthetic_query(
    workspace: Workspace, workspace_folder: Path, capsys: pytest.CaptureFixture
) -> None:
    row = next(row for row in workspace.all_rows() if row.modality == "ecg")
    entry = next(one for one in read_manifest(settings.DEMO) if one.study_id == row.study_id)
    file = settings.DEMO / next(name for name in _files(entry.study_id) if name.endswith(".hea"))
    workspace.close()
    assert run(["search", str(file), "--k", "3", "--workspace", str(workspace_folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["query"]["synthetic"] is True
    assert [one["synthetic"] for one in found["neighbours"]] == [True] * len(found["neighbours"])
    assert row.patient_id not in {one["patient_id"] for one in found["neighbours"]}


def test_typed_words_and_recordings_are_not_called_synthetic(workspace: Workspace, release: Release) -> None:
    words = next(
        workspace.study(row.study_id, actor=single_user()).content.text
        for row in workspace.all_rows()
        if row.modality == "text"
    )
    answer = search(workspace, release, Study("text", Note(words), "words"), Options(k=1), actor=single_user())
    assert answer.to_json()["query"]["synthetic"] is False


def test_more_like_this_keeps_the_mark_of_its_query(workspace: Workspace, release: Release) -> None:
    row = next(row for row in workspace.all_rows() if row.modality == "ppg")
    assert (
        search_stored(workspace, release, row.study_id, Options(k=1), actor=single_user()).study.facts["synthetic"]
        is True
    )


def test_encodings_carry_the_mark(tmp_path: Path) -> None:
    for name, cell in (("made", "true"), ("recorded", "")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "manifest.csv").write_text(f"file,modality,report,synthetic\n,text,clear lungs,{cell}\n")
        assert run(["encode", str(folder / "manifest.csv"), "--out", str(folder / "out.npz")]) == 0
    assert np.load(tmp_path / "made" / "out.npz")["synthetic"].tolist() == [True]
    assert np.load(tmp_path / "recorded" / "out.npz")["synthetic"].tolist() == [False]


@pytest.mark.parametrize("modality", ["cxr", "ecg", "ppg", "text"])
def test_an_explanation_has_the_word_burned_into_the_synthetic_side(workspace: Workspace, modality: str) -> None:
    study = workspace.study(
        next(row.study_id for row in workspace.all_rows() if row.modality == modality), actor=single_user()
    )
    recorded = replace(study, facts={})
    figure = draw_pair_figure(recorded, study, PairMaps(None, None, 0.4, True, (), RawMaps(None, None, 0.4, True)))
    drawings = [axes for axes in figure.axes if axes.get_title("left") or axes.get_title(loc="left")]
    said = ["SYNTHETIC" in [text.get_text() for text in axes.texts] for axes in drawings]
    assert said == [False, True]


def _files(study_id: str) -> list[str]:
    import csv

    with (settings.DEMO / "manifest.csv").open(newline="", encoding="utf-8") as handle:
        return next(row["file"].split(";") for row in csv.DictReader(handle) if row["study_id"] == study_id)
