"""A run that is killed while an export goes in: the next one goes on, and every recording is there once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from helpers.wearable_exports import apple_ecg, apple_export, ecg

from engine.actor import single_user
from engine.model.release import Release
from engine.wearable.archive import Export
from engine.wearable.rule import KeepRule
from engine.wearable.taking import AT_ONCE, Whose, take_in
from engine.wearable.windows import survey
from engine.workspace.pipeline import BATCH
from engine.workspace.workspace import open_workspace

DAY = datetime(2019, 6, 11, 9, 3, 45)
N = AT_ONCE + 8  # the first windows go in while others are still read
TWO_BATCHES = 2 * BATCH + 1  # files that are there once two batches are stored and a third one is begun


def test_a_run_that_was_killed_is_gone_on_with(workspace_folder: Path, tmp_path: Path, release: Release) -> None:
    wave = ecg(10 + N / 10, 512)
    ecgs = {f"ecg_{n}.csv": apple_ecg(wave[51 * n : 51 * n + 5120], DAY + timedelta(hours=n)) for n in range(N)}
    file = tmp_path / "export.zip"
    file.write_bytes(apple_export(ecgs))
    asked = ["wearable", str(file), "--patient", "4711", "--workspace", str(workspace_folder)]
    studies = workspace_folder / "studies"

    def stored() -> int:
        return sum(one.is_file() for one in studies.rglob("*"))

    before = stored()
    process = subprocess.Popen([sys.executable, "-m", "engine.cli", *asked], stderr=subprocess.DEVNULL)
    while process.poll() is None and stored() < before + TWO_BATCHES:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_workspace(workspace_folder) as place, Export(file) as export:
        found = survey(export, KeepRule(), place.key)
        taken = take_in(place, release, found, Whose("4711"), KeepRule(), actor=single_user())
        assert taken.already > 0
        assert taken.ingested + taken.already == N
        rows = place.of_patient(taken.patient_id, actor=single_user())
        assert len({row.acquired_at for row in rows}) == len(rows) == N
