"""Permission: what a withdrawn patient's studies look like to actors of each purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.studies import fill

from engine.actor import PURPOSES, Actor, single_user
from engine.store import permission
from engine.workspace.workspace import open_workspace

IDS = "SELECT study_id FROM permitted_studies WHERE modality = ? ORDER BY study_id"


@pytest.mark.parametrize(
    ("scope", "seen_for"),
    [
        ("retrieval", ()),
        ("training", ("retrieval", "teaching")),  # a federation learns, too
        ("teaching", ("retrieval", "training", "federation")),
        ("federation", ("retrieval", "training", "teaching")),
    ],
)
def test_withdrawn_studies_are_out_of_sight_by_purpose(tmp_path: Path, scope: str, seen_for: tuple[str, ...]) -> None:
    with open_workspace(tmp_path / "ws", create=True) as workspace:
        gone = fill(workspace)[0].row
        before = {row.study_id for row in workspace.all_rows() if row.modality == gone.modality}
        workspace.set_consent(gone.patient_id, False, actor=single_user(), scope=scope)
        for purpose in PURPOSES:
            actor, seen = Actor("Ada").acting_for(purpose), purpose in seen_for
            assert workspace.consent(gone.patient_id, actor=actor) is seen
            found = {study_id for (study_id,) in permission.read(workspace.database, actor, IDS, [gone.modality])}
            assert (gone.study_id in found) is seen
            assert before - found <= {row.study_id for row in workspace.all_rows() if row.patient_id == gone.patient_id}
