"""A round as a process: it ends in a release, in a cancelled round or in one sentence, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.rounds import rate

from engine.actor import Actor, single_user
from engine.errors import UsageError, WorkspaceError
from engine.learning import beginning, gate, promotion, round_job
from engine.learning.round_data import new_ratings, ratings_cutoff
from engine.learning.round_release import round_releases
from engine.learning.round_worker import CANCELLED, INPUTS, STATE
from engine.modalities import MODALITIES
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search_stored
from engine.settings import ROOT
from engine.workspace.workspace import Workspace, open_workspace

LONG = 240.0  # seconds; others may use the processor too


def until(place: Workspace, *states: str, least: float = 0.0) -> round_job.RoundJob:
    """Wait for a state of the last round."""
    last = time.monotonic() + LONG
    while time.monotonic() < last:
        found = round_job.latest_job(place)
        if found is not None and (found.over or (found.step in states and found.share >= least)):
            return found
        time.sleep(0.05)
    raise AssertionError(f"the round did not come to {states}: {round_job.latest_job(place)}")


def process_of(found: round_job.RoundJob) -> int:
    return int(json.loads((found.folder / STATE).read_text())["pid"])


@pytest.fixture(scope="module")
def rated(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace in which Ada rated."""
    folder = shutil.copytree(small_demo, tmp_path_factory.mktemp("rated") / "ws")
    with open_workspace(folder) as place:
        rate(place, 40)
    return Path(folder)


@pytest.fixture(scope="module")
def learnt(rated: Path, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a round that nothing disturbed, closed."""
    folder = shutil.copytree(rated, tmp_path_factory.mktemp("learnt") / "ws")
    with open_workspace(folder) as place:
        round_job.begin(place, release, Actor("Ada"))
        assert until(place, "done").step == "done"
    return Path(folder)


@pytest.fixture
def rated_workspace(rated: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the rated one, open."""
    with open_workspace(shutil.copytree(rated, tmp_path / "ws")) as place:
        yield place


@pytest.fixture
def learnt_workspace(learnt: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the one after the round, open."""
    with open_workspace(shutil.copytree(learnt, tmp_path / "ws")) as place:
        yield place


def test_from_ratings_to_a_release_that_serves_and_back(learnt_workspace: Workspace, release: Release):
    place = learnt_workspace
    done = round_job.latest_job(place)
    assert done is not None and (done.number, done.name) == (1, f"{release.name}.1")
    assert (done.step, done.error, done.share, done.who) == ("done", "", 1.0, "Ada") and done.ended is not None
    assert not (done.folder / INPUTS).exists() and "is written after" in done.log_tail()
    (made,) = round_releases(place.path)
    about = made.manifest["round"]
    assert made.name == done.name and about["from"] == release.name and about["ratings"] + about["kept_apart"] == 40
    assert about["raters"][0]["who"] == "Ada" and about["raters"][0]["share"] > 0.9
    assert made.encoders == release.encoders
    rows = gate.table(made)
    assert {"overall", "pair", "group", "ratings"} <= {row.section for row in rows}
    assert new_ratings(place, ratings_cutoff(made)) == 0
    calibration = json.loads((made.path / "calibration.json").read_text())
    assert "cxr>cxr" in calibration["kept_from_the_release_before"]  # four films are too few
    before = place.database.read("SELECT study_id, w0, w1, w2, w3 FROM codes ORDER BY study_id")
    moving = promotion.promote(place, made, Actor("Ada"), release.digest, "a workspace of a test")
    assert moving.wait(240) and moving.error == ""
    answer = search_stored(place, release, "syn-0003-e1-ecg", Options(k=2), actor=single_user())
    assert answer.release == f"{release.name}.1" and 0 <= answer.neighbours[0].further_share <= 1
    promotion.roll_back(place, Actor("Ada"), made.digest).wait(240)
    assert place.database.read("SELECT study_id, w0, w1, w2, w3 FROM codes ORDER BY study_id") == before


def test_what_the_round_measured_is_what_its_release_does(learnt_workspace: Workspace, release: Release):
    """The table's figures are those of the codes that the written release gives."""
    from engine.learning.gate_metrics import holdout_rows, measure_queries
    from engine.learning.round_data import gather_round_data

    (made,) = round_releases(learnt_workspace.path)
    holdout = gather_round_data(learnt_workspace, Actor("Ada")).holdout
    codes = [{m: one.codes(pool.z, m) for m, pool in holdout.items()} for one in (release, made)]
    mine = gate.rows_as_json(gate.apply_guards(holdout_rows(measure_queries(holdout, *codes))))
    told = [row for row in made.manifest["round"]["gate"] if row["section"] != "ratings"]
    of_it = [name for name in mine[0] if name not in ("without", "earned", "earned_low", "earned_high")]
    assert [[row[name] for name in of_it] for row in mine] == [[row[name] for name in of_it] for row in told]
    assert all(0 <= row["without"] <= 1 and row["earned_low"] <= row["earned_high"] for row in told)
    assert any((codes[0][m] != codes[1][m]).any() for m in MODALITIES if m in holdout)


def test_cancelled_it_leaves_everything_as_it_was(rated_workspace: Workspace, release: Release):
    workspace = rated_workspace
    begun = round_job.begin(workspace, release, Actor("Ada"))
    assert begun.number == 1 and not begun.over and begun.name == f"{release.name}.1"
    with pytest.raises(UsageError, match="A round is on its way already"):
        round_job.begin(workspace, release, Actor("Bo"))
    running = until(workspace, "fitting", least=0.05)
    assert running.step == "fitting"
    round_job.cancel(workspace, single_user())
    found = round_job.latest_job(workspace)
    assert found is not None and found.step == "cancelled" and found.error == "" and found.over
    assert _gone(process_of(running))
    assert not (running.folder / INPUTS).exists() and round_releases(workspace.path) == []
    assert len(workspace.all_ratings()) == 40
    round_job.cancel(workspace, single_user())  # nothing runs: nothing happens
    second = round_job.begin(workspace, release, Actor("Ada"))
    assert second.number == 2 and second.name == f"{release.name}.2"
    round_job.cancel(workspace, single_user())
    assert [one.step for one in round_job.jobs(workspace)] == ["cancelled", "cancelled"]


def _gone(pid: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def killed_while_it_learns(place: Workspace) -> round_job.RoundJob:
    """Kill the process of a round once it has saved what it learnt so far."""
    os.kill(process_of(until(place, "fitting", least=0.05)), signal.SIGKILL)
    return until(place, "failed")


def test_a_killed_round_is_one_sentence_and_goes_on_to_what_it_would_have_learnt(
    rated_workspace: Workspace, learnt: Path, release: Release
):
    place = rated_workspace
    begun = round_job.begin(place, release, Actor("Ada"))
    found = killed_while_it_learns(place)
    assert found.step == "failed" and found.error == round_job.CUT_OFF
    assert round_releases(place.path) == [] and len(place.all_ratings()) == 40
    resumed = round_job.begin(place, release, Actor("Bo"))
    assert (resumed.number, resumed.name, resumed.who) == (begun.number, begun.name, "Ada")
    done = until(place, "done")
    assert done.step == "done" and "goes on after step" in done.log_tail()
    assert not list(resumed.folder.glob("in.*"))
    rounds = [(row.who, row.about) for row in place.audit_rows() if row.kind == "round"]
    assert rounds == [(who, {"round": 1, "makes": f"{release.name}.1"}) for who in ("Bo", "Ada")]
    (after,) = round_releases(place.path)
    (whole,) = round_releases(learnt)
    assert after.manifest["parts"] == whole.manifest["parts"]


def test_a_killed_round_begins_anew_where_somebody_has_rated_since_and_what_it_held_is_deleted(
    rated_workspace: Workspace, release: Release
):
    workspace = rated_workspace
    round_job.begin(workspace, release, Actor("Ada"))
    cut = killed_while_it_learns(workspace)
    assert (cut.folder / INPUTS).is_file()
    rate(workspace, 2, who="Bo", seed=1)
    anew = round_job.begin(workspace, release, Actor("Ada"))
    assert anew.number == 2 and anew.about["ratings"] + anew.about["kept_apart"] == 42
    assert not list(cut.folder.glob("in.*"))
    round_job.cancel(workspace, single_user())


GATHERS = """
import sys, time
from engine.workspace.workspace import open_workspace
from engine.actor import Actor
from engine.learning import round_job as job
from engine.model.release import load_release
def prepare(folder, number):
    job.report_gathering(folder, 0.5)
    print("gathers", flush=True)
    time.sleep(600)
with open_workspace(sys.argv[1]) as place:
    job.begin_with(place, load_release(), Actor("Ada"), prepare)
"""


def test_a_server_that_is_killed_while_it_gathers_leaves_a_sentence_and_another_begins(
    workspace_folder: Path, release: Release
):
    with open_workspace(workspace_folder) as place:
        rate(place, 40)
    with subprocess.Popen(
        [sys.executable, "-c", GATHERS, str(workspace_folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None and server.stdout.readline() == "gathers\n"
        server.kill()
    with open_workspace(workspace_folder) as place:
        found = round_job.latest_job(place)
        assert found is not None and (found.step, found.error, found.who) == ("failed", round_job.CUT_OFF, "Ada")
        assert round_job.begin(place, release, Actor("Ada")).number == 2
        round_job.cancel(place, single_user())


def test_behind_a_page_it_gathers_in_a_thread_and_can_be_cancelled_meanwhile(workspace: Workspace, release: Release):
    rate(workspace, 40)
    asked = threading.Event()

    def slowly(folder: Path, number: int) -> dict[str, object]:
        round_job.report_gathering(folder, 0.25)
        asked.wait(LONG)
        round_job.report_gathering(folder, 0.5)
        raise AssertionError("it was cancelled")

    ada = Actor("Ada")
    beginning.start(workspace, lambda: round_job.begin_with(workspace, release, ada, slowly))
    found = until(workspace, "gathering", least=0.2)
    assert (found.step, found.share, found.who, found.over) == ("gathering", 0.25, "Ada", False)
    assert beginning.under_way(workspace) and beginning.why_not_begun(workspace) == ""
    with pytest.raises(UsageError, match="on its way"):
        beginning.start(workspace, lambda: round_job.begin(workspace, release, Actor("Bo")))
    ending = threading.Thread(target=round_job.cancel, args=(workspace, single_user()))
    ending.start()
    while not (found.folder / CANCELLED).exists():
        time.sleep(0.02)
    asked.set()
    ending.join(LONG)
    while beginning.under_way(workspace):
        time.sleep(0.02)
    assert beginning.why_not_begun(workspace) == round_job.CANCELLED_EARLY
    assert round_job.latest_job(workspace) is None and round_releases(workspace.path) == []
    beginning.start(workspace, lambda: round_job.begin(workspace, release, ada))
    assert until(workspace, "fitting").number == 1 and beginning.why_not_begun(workspace) == ""
    round_job.cancel(workspace, single_user())


SERVER = """
import sys, time
from engine.workspace.workspace import open_workspace
from engine.actor import Actor
from engine.learning import round_job as job
from engine.model.release import load_release
with open_workspace(sys.argv[1]) as place:
    job.begin(place, load_release(), Actor("Ada"))
    print("begun", flush=True)
    time.sleep(600)
"""


def test_it_outlives_a_server_that_is_killed(workspace_folder: Path, release: Release):
    with open_workspace(workspace_folder) as place:
        rate(place, 40)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(workspace_folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None and server.stdout.readline() == "begun\n"
        server.kill()
    with open_workspace(workspace_folder) as place:
        found = round_job.latest_job(place)
        assert found is not None and not found.over and found.who == "Ada"
        with pytest.raises(UsageError, match="on its way"):
            round_job.begin(place, release, Actor("Bo"))
        assert until(place, "done").step == "done"
        assert [one.name for one in round_releases(place.path)] == [f"{release.name}.1"]


def test_nothing_to_learn_from_is_one_sentence_and_leaves_no_round(workspace: Workspace, release: Release):
    with pytest.raises(UsageError, match="nothing to learn from yet"):
        round_job.begin(workspace, release, Actor("Ada"))
    assert round_job.latest_job(workspace) is None and round_job.jobs(workspace) == []
    with pytest.raises(UsageError, match="no name"):
        round_job.begin(workspace, release, Actor("  "))


def test_where_nothing_can_be_written_it_says_so(workspace: Workspace, release: Release):
    """A file where the folder should be stands for a disk that takes no more: the system refuses to write."""
    rate(workspace, 40)
    (workspace.path / "rounds").write_text("in the way")
    with pytest.raises(WorkspaceError, match=r"could not be begun .*free some disk"):
        round_job.begin(workspace, release, Actor("Ada"))
    (workspace.path / "rounds").unlink()
    (workspace.path / "releases").write_text("in the way")
    round_job.begin(workspace, release, Actor("Ada"))
    found = until(workspace, "failed")
    assert found.step == "failed" and "could not be written" in found.error and "\n" not in found.error
    assert (
        len(workspace.all_ratings()) == 40
        and search_stored(workspace, release, "syn-0003-e1-ecg", Options(k=1), actor=single_user()).release
        == release.name
    )


def test_a_folder_that_is_half_written_is_a_failed_round(workspace: Workspace):
    (workspace.path / "rounds" / "3").mkdir(parents=True)
    (workspace.path / "rounds" / "3" / STATE).write_text('{"state": "fit')
    found = round_job.latest_job(workspace)
    assert found is not None and (found.number, found.step, found.error) == (3, "failed", round_job.CUT_OFF)
    assert found.log_tail() == "" and np.isfinite(found.share)
