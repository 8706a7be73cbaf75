"""A withdrawal by the command counts in the next answer, in this process or in the app that has the workspace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.many_studies import ask, crowd

from engine.actor import PURPOSES, Actor
from engine.cli import casebind
from engine.consent import acts
from engine.errors import UsageError, WorkspaceBusyError
from engine.workspace.requests import FOLDER
from engine.workspace.requests import ask as ask_process
from engine.workspace.workspace import Workspace, open_workspace

ANN = Actor("ann")


def by_command(*words: object) -> subprocess.CompletedProcess:
    """Run the command line as a process of its own."""
    command = [sys.executable, "-m", "engine.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def nearest(place: Workspace) -> set[str]:
    return {study_id for _, study_id in ask(place, np.zeros(4, np.uint64), 1000, 256)}


def test_the_next_answer_of_a_running_app_honours_what_a_command_withdraws(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        crowd(place, np.random.default_rng(1), 60)
        gone = place.all_rows()[0]
        own = {row.study_id for row in place.all_rows() if row.patient_id == gone.patient_id}
        served, before = acts.serve(place.path), nearest(place)
        try:
            said = by_command("consent", "withdraw", gone.patient_id, "--workspace", place.path, "--json")
            assert json.loads(said.stdout)["scopes"] == dict.fromkeys(PURPOSES, False), said.stderr
            assert own <= before
            assert nearest(place) == before - own
            said = by_command("consent", "restore", gone.patient_id, "--scope", "retrieval", "--workspace", place.path)
            assert "retrieval granted, training withdrawn, teaching withdrawn" in said.stdout
            assert nearest(place) == before
            open_to = [one for one in PURPOSES if place.consent(gone.patient_id, actor=ANN.acting_for(one))]
            assert open_to == ["retrieval"]
            said = by_command("consent", "withdraw", "nobody", "--workspace", place.path)
            assert (said.returncode, said.stderr.count("\n")) == (2, 1)
            assert "There is no patient nobody" in said.stderr
            assert not list((place.path / FOLDER).iterdir())
        finally:
            served.close()


def test_a_process_that_takes_no_requests_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    busy = WorkspaceBusyError("The workspace is in use.")
    with pytest.raises(WorkspaceBusyError, match="in use"):
        ask_process(tmp_path, "withdrawn", {}, busy, taken_in_s=0.3)
    assert not list((tmp_path / FOLDER).iterdir())


def test_consent_is_listed_by_patient_and_restored(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        crowd(place, np.random.default_rng(1), 10)
        patient = place.all_rows()[0].patient_id
    where = ["--workspace", str(tmp_path / "ws")]
    run = CliRunner()
    assert run.invoke(casebind, ["consent", "withdraw", patient, "--scope", "teaching", *where]).exit_code == 0
    found = json.loads(run.invoke(casebind, ["consent", "list", "--json", *where]).stdout)
    assert [(one["patient_id"], one["scope"]) for one in found] == [(patient, "teaching")]
    assert run.invoke(casebind, ["consent", "restore", patient, *where]).exit_code == 0
    assert json.loads(run.invoke(casebind, ["consent", "list", "--json", *where]).stdout) == []


def test_a_scope_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        crowd(place, np.random.default_rng(1), 10)
        facts = {"patient": place.all_rows()[0].patient_id, "scopes": ["export"], "granted": False}
        with pytest.raises(UsageError, match="no consent scope 'export'"):
            acts.carry_out(place.path, "decide", facts, "ann")
