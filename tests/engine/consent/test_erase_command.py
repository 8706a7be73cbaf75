"""`casebind erase`: the certificate is printed, and who was erased does not come back by an ingest."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.many_studies import ask, crowd

from engine.actor import single_user
from engine.cli import run
from engine.consent import acts
from engine.workspace.workspace import open_workspace


def test_an_erased_patient_is_not_taken_in_again(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    rows = "".join(
        f",text,note-{patient}-1,{patient},pleural effusion {patient[-3:]}\n" for patient in ("pat-8123", "pat-8456")
    )
    (tmp_path / "manifest.csv").write_text(f"file,modality,study_id,patient_id,report\n{rows}")
    workspace = tmp_path / "ws"
    assert run(["ingest", str(tmp_path), "--cohort", "ward", "--workspace", str(workspace)]) == 0
    capsys.readouterr()
    assert run(["erase", "pat-8123", "--reason", "asked for it", "--json", "--workspace", str(workspace)]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["whole"], made["rows"]["studies"], made["found"]) == (True, 1, {})
    assert run(["erase", "pat-8123", "--workspace", str(workspace)]) == 2
    assert "There is no patient pat-8123" in capsys.readouterr().err
    assert run(["ingest", str(tmp_path), "--cohort", "ward", "--workspace", str(workspace)]) == 0
    assert "0 ingested, 1 already there, 1 skipped" in capsys.readouterr().out
    (report,) = (workspace / "reports").glob("skipped*")
    assert "its patient was erased" in report.read_text()
    assert "8123" not in report.read_text()


def test_a_running_app_erases_while_it_goes_on_answering(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        crowd(place, np.random.default_rng(1), 400)
        gone = place.all_rows()[0]
        own = {row.study_id for row in place.all_rows() if row.patient_id == gone.patient_id}
        served, ended, answers = acts.serve(place.path), threading.Event(), []

        def search() -> None:
            while not ended.wait(0.01):
                answers.append(len(ask(place, np.zeros(4, np.uint64), 400, 256)))
                place.row(sorted(set(names) - own)[0], actor=single_user())

        names = [row.study_id for row in place.all_rows()]
        searching = threading.Thread(target=search)
        searching.start()
        try:
            words = [
                sys.executable,
                "-m",
                "engine.cli",
                "erase",
                gone.patient_id,
                "--json",
                "--workspace",
                str(place.path),
            ]
            said = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
            before = len(answers)
            while searching.is_alive() and len(answers) < before + 4:  # so that the last question came after the act
                time.sleep(0.01)
        finally:
            ended.set()
            searching.join()
            served.close()
        assert said.returncode == 0, said.stderr
        assert json.loads(said.stdout)["rows"]["studies"] == len(own)
        assert max(answers) > min(answers) == answers[-1]
        assert not own & {study_id for _, study_id in ask(place, np.zeros(4, np.uint64), 400, 256)}
