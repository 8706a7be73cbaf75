"""What a command asks of the app: an erasure does not find its own request, and an app that ends is not waited for."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest
from helpers.many_studies import crowd

from engine.consent import acts
from engine.errors import UsageError, WorkspaceBusyError
from engine.workspace.requests import ENDED, FOLDER, Facts, RequestServer, ask
from engine.workspace.workspace import Workspace, open_workspace

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


def test_what_is_asked_meanwhile_waits_its_turn_and_is_nothing_that_an_erasure_finds(folder: Path) -> None:
    """However long the app is busy with the first."""
    with open_workspace(folder) as place, ThreadPoolExecutor(2) as commands:
        patient = place.all_rows()[0].patient_id
        begun, goes_on = threading.Event(), threading.Event()

        def slow(workspace: Workspace, facts: Facts) -> Facts:
            begun.set()
            goes_on.wait(60)
            return acts.ACTS["erase"](workspace, facts)

        served = RequestServer(place.path, {**acts.ACTS, "erase": slow})
        try:
            asked = {"patients": [patient], "queries": [], "reason": "", "who": "local"}
            busy = WorkspaceBusyError("nobody answers")
            first = commands.submit(ask, folder, "erase", asked, busy)
            assert begun.wait(60)
            withdrawn = {"patient": patient, "scopes": ["teaching"], "granted": False, "who": "local"}
            second = commands.submit(ask, folder, "decide", withdrawn, busy, taken_in_s=2)
            while len(list((folder / FOLDER).glob("*.running"))) < 2 and not second.done():
                time.sleep(0.05)
            wait([second], 3)
            goes_on.set()
            made = first.result(100)["certificate"]
            assert made["whole"] and not made["found"]
            with pytest.raises(UsageError, match="patient"):  # who is not there any more
                second.result(100)
        finally:
            goes_on.set()
            served.close()


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
