"""What a command asks of the app: an erasure does not find its own request, and an app that ends is not waited for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.many_studies import crowd

from engine.consent import acts
from engine.workspace.requests import ENDED, FOLDER
from engine.workspace.workspace import open_workspace

# An app that takes one request and is killed while it carries it out
APP = """
import os, sys
from pathlib import Path
from engine.workspace.requests import RequestServer
from engine.workspace.workspace import open_workspace
with open_workspace(Path(sys.argv[1])) as place:
    served = RequestServer(place.path, {"withdrawn": lambda workspace, facts: os.abort()})
    print("serves", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_workspace(tmp_path / "ws", create=True) as place:
        crowd(place, np.random.default_rng(1), 10)
    return tmp_path / "ws"


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "engine.cli", *words, "--workspace", str(folder)]


def test_an_erasure_that_the_app_carries_out_leaves_nothing_and_does_not_find_its_own_request(folder: Path) -> None:
    with open_workspace(folder) as place:
        patient = place.all_rows()[0].patient_id
        served = acts.serve(place.path)
        try:
            asked = command(folder, "erase", patient, "--json", "--reason", "asked by letter")
            said = subprocess.run(asked, capture_output=True, text=True, timeout=100, check=False)
        finally:
            served.close()
        assert said.returncode == 0, said.stderr
        made = json.loads(said.stdout)
        assert made["whole"] and not made["found"]
        assert patient not in {row.patient_id for row in place.all_rows()}
        assert not list((folder / FOLDER).iterdir())


def test_a_command_does_not_wait_for_an_app_that_was_killed(folder: Path) -> None:
    app = subprocess.Popen(
        [sys.executable, "-c", APP, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert app.stdout is not None and app.stdout.readline() == b"serves\n"
    began = time.monotonic()
    said = subprocess.run(command(folder, "consent", "list"), capture_output=True, text=True, timeout=100, check=False)
    assert app.wait(60) < 0 and time.monotonic() - began < 100
    assert said.returncode == 2 and ENDED in said.stderr and said.stderr.count("\n") == 1
    assert not list((folder / FOLDER).iterdir())
