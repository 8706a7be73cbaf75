"""What was read of films and ECGs for an adaptation that was stopped goes with a withdrawal and with the next one."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.rounds import rate

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.learning import adaptation_job, coarse, round_job
from engine.workspace.workspace import Workspace

ME, ADA = single_user(), Actor("Ada")


class Stopped(Exception):
    """Raised where the reading of ECGs is stopped."""


def stop(share: float) -> None:
    raise Stopped


def left(place: Workspace) -> list[str]:
    """Return the names of what is left of a reading."""
    return sorted(one.name for one in (place.path / "rounds" / "coarse").glob("in.*"))


@pytest.fixture
def stopped(workspace: Workspace) -> Workspace:
    """A workspace in which the reading of ECGs was stopped."""
    with pytest.raises(Stopped):
        coarse.write(workspace, "ecg", ecgs(workspace), "hash", folder=made(workspace), progress=stop)
    assert left(workspace) == ["in.coarse.ecg.json", "in.coarse.ecg.npy"]
    return workspace


def made(place: Workspace) -> Path:
    folder = place.path / "rounds" / "coarse"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ecgs(place: Workspace) -> list[str]:
    return [row.study_id for row in place.all_rows() if row.modality == "ecg"]


@pytest.mark.parametrize(("scope", "stays"), [("training", False), ("retrieval", False), ("teaching", True)])
def test_a_withdrawal_deletes_what_was_read(stopped: Workspace, scope: str, stays: bool):
    (patient, *_) = (row.patient_id for row in stopped.all_rows() if row.modality == "ecg")
    stopped.set_consent(patient, False, actor=ME, scope=scope)
    assert bool(left(stopped)) is stays


def test_a_withdrawal_while_it_is_read_ends_the_reading_and_leaves_nothing(workspace: Workspace):
    ids = ecgs(workspace)
    assert len(ids) > coarse.BATCH
    (first, *_) = (row.patient_id for row in workspace.all_rows(ids[:1]))

    def withdraw(share: float) -> None:
        workspace.set_consent(first, False, actor=ME, scope="training")

    with pytest.raises(UsageError, match="withdrew from training"):
        coarse.write(workspace, "ecg", ids, "hash", folder=made(workspace), progress=withdraw)
    assert left(workspace) == []


def test_one_that_withdrew_at_the_end_of_the_reading_is_not_handed_on(workspace: Workspace, tmp_path: Path):
    coarse.write(workspace, "ecg", ecgs(workspace)[:2], "hash", folder=made(workspace), progress=lambda share: None)
    with pytest.raises(UsageError, match="withdrew from training"):
        coarse.take(made(workspace), tmp_path, ["ecg", "ppg"])
    assert left(workspace) == []


def test_a_gathering_that_reads_nothing_deletes_what_another_left(stopped: Workspace, release):
    with pytest.raises(UsageError, match="pairs to learn from"):
        adaptation_job.begin(stopped, release, ADA)
    assert left(stopped) == []


def test_a_round_deletes_what_was_left(stopped: Workspace, release):
    rate(stopped, 20)
    round_job.begin(stopped, release, ADA)
    round_job.cancel(stopped, single_user())
    assert left(stopped) == []
