"""`casebind study`: a reader study from its making to its analysis, and the power of one that is planned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.reader_studies import FINDING, rated, read_session, reader

from engine.cli import run
from engine.reader_study import design
from engine.workspace.workspace import open_workspace

MAKE = ("study", "make", "Do neighbours help?", "--finding", FINDING, "--modality", "ecg", "--cases", "8")


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    """Run a command and return what it printed, on standard error where it failed."""
    capsys.readouterr()
    assert run(list(words)) == status
    out = capsys.readouterr()
    return out.err if status else out.out


def test_a_study_is_made_read_closed_exported_and_analysed(workspace_folder: Path, tmp_path: Path, capsys) -> None:
    where = ("--workspace", str(workspace_folder))
    printed = said(capsys, *MAKE, "--reader", "ann", "--reader", "bob", "--washout", "0", *where)
    which = printed.split()[0]
    assert "8 cases, 2 readers" in printed and "freezes with the first reading" in printed
    again = said(capsys, *MAKE, "--reader", "ann", "--washout", "0", "--seed", "2", "--replace", which, *where)
    assert "version 2" in again and "1 readers" in again
    assert which in said(capsys, "study", "list", *where)
    shown = json.loads(said(capsys, "study", "show", which, "--json", *where))
    assert shown["version"] == 2 and shown["digest"] in again
    assert shown["readers"] == [{"reader": "R1", "answered": [0, 0], "of": [8, 8]}]
    assert "is open" in said(capsys, "study", "analyse", which, *where, status=2)
    with open_workspace(workspace_folder) as place:
        study = design.listed(place, actor=reader("ann"))[0]
        read_session(place, study, reader("ann"), judge=lambda one: rated(one, 10 * (one.number % 7)))
    assert "frozen" in said(capsys, *MAKE, "--reader", "bob", "--replace", which, *where, status=2)
    assert "first session 8 of 8, second 8 of 8" in said(capsys, "study", "show", which, *where)
    assert "is closed" in said(capsys, "study", "close", which, *where)
    file = tmp_path / "study.csv"
    assert "16 readings of 1 readers" in said(capsys, "study", "export", which, "--out", str(file), *where)
    assert (
        said(capsys, "study", "analyse", which, *where).splitlines()
        == said(capsys, "study", "analyse", str(file)).splitlines()
    )
    found = json.loads(said(capsys, "study", "analyse", which, "--json", *where))
    assert found["missing_readings"] == 0 and found["findings"][0]["n"]["cases"] == 8
    said(capsys, "study", "export", which, "--layout", "imrmc", "--out", str(tmp_path / "s.imrmc"), *where)
    assert "BEGIN DATA:" in (tmp_path / "s.imrmc").read_text("utf-8")
    assert "choose one by its place" in said(
        capsys, "study", "export", which, "--finding", "2", "--out", str(file), *where, status=2
    )


def test_a_plan_prints_how_often_it_finds_what_is_there_and_what_is_not(capsys) -> None:
    asked = (
        "study",
        "simulate",
        "--readers",
        "4",
        "--cases",
        "60",
        "--studies",
        "60",
        "--effect",
        "0",
        "--effect",
        "0.1",
    )
    lines = said(capsys, *asked).splitlines()
    assert len(lines) == 3 and lines[0].startswith("effect")
    none, some = json.loads(said(capsys, *asked, "--json"))
    assert none["power"] < 0.25 < some["power"]
    assert f"{some['power']:.3f}" in lines[2]
    assert "choose a smaller" in said(capsys, "study", "simulate", "--auc", "0.95", "--effect", "0.1", status=2)


def test_what_is_not_there_or_not_whole_is_one_sentence(workspace_folder: Path, capsys) -> None:
    where = ("--workspace", str(workspace_folder))
    for words in (("show", "t-1"), ("close", "t-1"), ("analyse", "t-1"), ("export", "t-1", "--out", "x.csv")):
        assert "no such reader study" in said(capsys, "study", *words, *where, status=2)
    assert "--panel together" in said(capsys, *MAKE, "--reader", "ann", "--truth", "panel", *where, status=2)
    assert said(capsys, "study", "list", *where) == ""
