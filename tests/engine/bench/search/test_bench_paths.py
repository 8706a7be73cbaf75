"""The path of a query and of an ingest are timed by stage, beside the encoder alone, and leave nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.workspaces import write_manifest

from engine import settings
from engine.cli import run
from engine.workspace.workspace import open_workspace

ECG = settings.DEMO / "ecg" / "syn-0045-e1-ecg.hea"


def test_a_query_by_stage_with_what_reranking_adds(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["bench", "e2e", str(ECG), "--rounds", "2", "--workspace", str(workspace_folder)]
    assert run([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (one,) = found["files"]
    assert (found["rounds"], one["modality"], one["file"]) == (2, "ecg", ECG.name)
    assert set(one["stages_ms"]) == {"read", "quality", "encode", "search", "total"}
    assert one["encoder_only_ms"] > 0 and one["ratio_vs_encoder_only"] > 0
    assert set(one["rerank_adds_ms"]) == {"asymmetric", "embedding"}
    with open_workspace(workspace_folder) as place:
        assert place.audit_rows() == []
        assert place.database.read("SELECT count(*) FROM queries") == [(0,)]
    assert run(words) == 0
    assert "encoder alone" in capsys.readouterr().out


def test_without_files_the_shipped_cohorts_first_studies(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["bench", "e2e", "--rounds", "1", "--json", "--workspace", str(workspace_folder)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sorted(one["modality"] for one in found["files"]) == ["cxr", "ecg", "ppg", "text"]


def test_an_ingest_by_stage(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    manifest = write_manifest(tmp_path, range(41, 45))
    lines = manifest.read_text(encoding="utf-8").splitlines()
    lines.insert(2, f"nowhere.csv,ecg,lost{',' * (lines[0].count(',') - 2)}")
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["bench", "ingest", str(manifest), "--n", "100", "--rounds", "1"]
    assert run([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accepted"] == found["studies"] - 1
    assert set(found["seconds"]) == {"read", "quality", "encode", "store", "ingest", "encoder_only"}
    assert found["ratio_vs_encoder_only"] > 0 and found["studies_per_s"] > 0
    assert run(words) == 0
    assert "the time of the encoder alone" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["e2e", "nowhere.hea"], ["ingest", "nowhere"], ["living", "--threads", "0"]])
def test_what_cannot_be_timed_is_one_sentence(
    workspace_folder: Path, capsys: pytest.CaptureFixture, words: list[str]
) -> None:
    place = ["--workspace", str(workspace_folder)] if words[0] == "e2e" else []
    assert run(["bench", *words, *place]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
