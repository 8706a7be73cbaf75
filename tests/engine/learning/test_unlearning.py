"""Unlearning: what serves afterwards is what a workspace that never held the patient learns, bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.promotions import promoted
from helpers.rounds import rate, written
from helpers.shipped import SHIPPED

from engine.actor import Actor, single_user
from engine.consent.unlearning import DATA, data_digest, unlearn, verify
from engine.errors import UsageError
from engine.learning import promotion, round_job
from engine.learning.holdout import is_holdout_patient, is_holdout_query
from engine.learning.round_data import gather_round_data
from engine.model.release import Release
from engine.workspace.workspace import Workspace

ANN, STEPS = Actor("ann"), 3


def learnt_from(place: Workspace) -> str:
    """Return a patient of whom a mark is fitted."""
    of = {row.study_id: row.patient_id for row in place.all_rows()}
    for one in place.all_ratings():
        patients = {of[one.query_id], of[one.study_id]}
        if not is_holdout_query(one.query_id) and not any(map(is_holdout_patient, patients)):
            return min(patients)
    raise AssertionError("no mark is fitted")


def test_what_serves_is_what_a_workspace_learns_that_never_held_the_patient(
    workspace: Workspace, release: Release
) -> None:
    rate(workspace, 60)
    saw = written(workspace.path, release)
    promoted(workspace, saw)
    patient = learnt_from(workspace)
    before = data_digest(gather_round_data(workspace, ANN))
    done = unlearn(workspace, patient, actor=ANN, steps=STEPS)
    assert done.retired == (f"{SHIPPED}.1",)
    assert done.release == f"{SHIPPED}.2" == (workspace.releases.serving() or ("",))[0]
    assert not workspace.consent(patient, actor=single_user().acting_for("training"))
    found = verify(workspace, patient, steps=STEPS)
    assert before != data_digest(gather_round_data(workspace, ANN)) == found.here[DATA]
    assert (found.first_different, found.served, found.equal) == ("", True, True)
    assert len(found.never) == 7
    assert unlearn(workspace, patient, actor=ANN).retired == ()

    serving = (workspace.releases.serving() or ("", ""))[1]
    for refused in (
        lambda: promotion.roll_back(workspace, ANN, serving, f"{SHIPPED}.1"),
        lambda: promotion.promote(workspace, saw, ANN, serving, "because I want it so"),
        lambda: promotion.start_reindex(workspace, saw, ANN, serving),
        lambda: round_job.begin(workspace, saw, ANN),
    ):
        with pytest.raises(
            UsageError, match=rf"Release {SHIPPED}\.1 learnt from a patient who was unlearnt|compares it with"
        ):
            refused()
    assert workspace.database.read("SELECT count(*) FROM former_codes WHERE digest = ?", [saw.digest]) == [(0,)]


def test_nothing_is_done_where_nothing_has_learnt_and_strangers_are_named(workspace: Workspace, tmp_path: Path) -> None:
    patient = workspace.all_rows()[0].patient_id
    assert unlearn(workspace, patient, actor=ANN).retired == ()
    with pytest.raises(UsageError, match="There is no patient nobody"):
        unlearn(workspace, "nobody", actor=ANN)
    with pytest.raises(UsageError, match="There is no patient nobody"):
        verify(workspace, "nobody")
    with pytest.raises(UsageError, match="nothing to learn from"):
        verify(workspace, patient)
