"""The folder in which an upload lies while libraries read it: private, and gone whatever ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from engine.settings import ROOT

HOLDS = """
import sys
from engine.intake import scratch
with scratch.room() as folder:
    (folder / "recording").write_bytes(b"plain")
    print(folder, flush=True)
    sys.stdin.read()
"""


def holder(temporary: Path, code: str = HOLDS) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, text=True, **pipes)  # type: ignore[call-overload]


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_is_deleted_by_the_next_and_what_a_living_one_holds_stays(tmp_path: Path) -> None:
    killed, living = holder(tmp_path), holder(tmp_path)
    left, held = folder_of(killed), folder_of(living)
    assert (left / "recording").read_bytes() == b"plain"
    for folder in (left, left.parent):
        assert folder.stat().st_mode & 0o777 == 0o700
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert left.exists()
    next_one = holder(tmp_path)
    folder_of(next_one)
    assert not left.parent.exists()
    assert (held / "recording").exists()
    for process in (living, next_one):
        process.communicate("")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_just_being_made_or_is_somebody_elses_link_stays(tmp_path: Path) -> None:
    (tmp_path / "casebind-reading-new").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "casebind-reading-link").symlink_to(tmp_path / "elsewhere")
    process = holder(tmp_path)
    folder_of(process)
    process.communicate("")
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "casebind-reading-link",
        "casebind-reading-new",
        "elsewhere",
    ]
