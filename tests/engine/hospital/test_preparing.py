"""Objects are prepared by a process of their own, behind others where asked, and nothing waits for it but they."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers.archive_objects import chest_film, ecg, put, wait_until
from helpers.processes import command_of

from engine.actor import single_user
from engine.attention import descriptor
from engine.errors import CasebindError
from engine.hospital import preparing
from engine.hospital.inbox import Inbox, count_waiting
from engine.hospital.preparing import MODULE
from engine.hospital.preparing_process import between_layers
from engine.hospital.take_up import take_up
from engine.intake.paths import read_paths
from engine.model.release import Release, load_release
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.settings import DEMO
from engine.store import arrivals
from engine.workspace.workspace import Workspace

ME = single_user()


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    preparing.end()
    yield
    preparing.end()


def running(module: str = MODULE) -> list[psutil.Process]:
    """Return the processes that prepare for this one."""
    return [one for one in psutil.Process().children(recursive=True) if module in command_of(one)]


def test_a_process_that_is_killed_half_way_is_started_again_and_each_object_stored_once(
    workspace: Workspace, release: Release
) -> None:
    before = sum(workspace.all_counts().values())
    with Inbox(workspace.path) as inbox:
        put(inbox, [chest_film(1), *(ecg(number) for number in range(1, 20))])
    killed: list[int] = []

    def kill(done: int) -> None:
        if not killed:
            killed.extend(one.pid for one in running())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    def kill_what_runs() -> None:
        wait_until(lambda: bool(running()))
        kill(0)

    thread = threading.Thread(target=kill_what_runs)
    thread.start()
    assert take_up(workspace, release, on_progress=kill).states == {"stored": 20}
    thread.join()
    assert killed and sum(workspace.all_counts().values()) == before + 20
    assert {one.state for one in arrivals.newest(workspace.database)} == {"stored"} and not count_waiting(
        workspace.path
    )


def test_where_no_process_can_be_started_it_is_said_and_what_waits_stays(
    workspace: Workspace, release: Release, tmp_path: Path
) -> None:
    moved = load_release(Path(shutil.copytree(release.path, tmp_path / release.name)))
    (moved.path / "manifest.json").rename(moved.path / "away")
    with Inbox(workspace.path) as inbox:
        put(inbox, [ecg()])
    with pytest.raises(CasebindError, match="what waits in the inbox stays there"):
        take_up(workspace, moved)
    assert count_waiting(workspace.path) == 1
    (moved.path / "away").rename(moved.path / "manifest.json")
    assert take_up(workspace, moved).states == {"stored": 1}


@pytest.mark.skipif(not Path("/proc/self/autogroup").is_file(), reason="this system shares processors by no sessions")
def test_beside_the_app_it_and_its_readers_go_behind_all_other_work_and_it_sees_who_draws_a_page(
    release: Release,
) -> None:
    preparing.preparing(release, behind=True).start()
    wait_until(lambda: [len(one.children()) for one in running()] == [1])
    (process,) = running()
    for one in (process, *process.children()):
        autogroup = Path(f"/proc/{one.pid}/autogroup")
        wait_until(lambda one=one, file=autogroup: one.nice() == 10 and file.read_text().split()[-1] == "10")
    page = os.stat(descriptor()).st_ino  # of memory in which it sees that this process draws a page
    assert any(line.split()[4:5] == [str(page)] for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines())


def test_between_any_two_layers_of_the_encoder_others_may_go_first(release: Release) -> None:
    study, asked = read_paths([DEMO / "ecg" / "syn-0003-e1-ecg.hea"]), list[int]()
    before = release.embed([study])
    hook = between_layers(lambda: asked.append(1))
    try:
        np.testing.assert_array_equal(release.embed([study]), before)
    finally:
        hook.remove()
    assert len(asked) > 10


def test_the_app_answers_while_objects_are_taken_up_however_long_that_takes(
    workspace: Workspace, release: Release
) -> None:
    """The process that prepares stands still, as on a machine that has no time for it."""
    query = read_paths([DEMO / "ecg" / "syn-0003-e1-ecg.hea"])
    with Inbox(workspace.path) as inbox:
        put(inbox, [ecg(number) for number in range(1, 5)])
    taker = threading.Thread(target=take_up, args=(workspace, release))
    taker.start()
    try:
        wait_until(lambda: bool(running()))
        (prepares,) = running()
        prepares.suspend()
        wait_until(lambda: arrivals.counts(workspace.database) == {"received": 4})
        answer = search(workspace, release, query, Options(), actor=ME)
        assert answer.neighbours and count_waiting(workspace.path) == 4
        workspace.set_consent(workspace.row(answer.neighbours[0].study_id, actor=ME).patient_id, False, actor=ME)
    finally:
        for one in running():
            one.resume()
        taker.join()
    assert arrivals.counts(workspace.database) == {"stored": 4}
