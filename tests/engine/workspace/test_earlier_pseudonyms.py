"""Who came, or was erased, under the pseudonym of an earlier version is known when their file comes again."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.archive_objects import changed, ecg
from helpers.recording_files import as_bytes
from helpers.studies import COHORT, fill

from engine.actor import single_user
from engine.intake.paths import read_paths
from engine.intake.pseudonyms import shown_pseudonym
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.study import Study
from engine.workspace.erased import add_erased
from engine.workspace.ingest import ERASED, ingest
from engine.workspace.manifest import read_manifest
from engine.workspace.patients import patient_meant
from engine.workspace.workspace import Workspace

NUMBER = str(ecg(2).PatientID)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An ECG whose patient's number has no issuer."""
    made = tmp_path / "new" / "ecg.dcm"
    made.parent.mkdir()
    made.write_bytes(as_bytes(changed(ecg(2), IssuerOfPatientID="")))
    return made


def read(place: Workspace, file: Path) -> Study:
    return read_paths([file], key=place.key)


def taken_in(place: Workspace, release: Release, file: Path):
    manifest = file.with_name("manifest.csv")
    manifest.write_text(f"file,modality\n{file.name},ecg\n", encoding="utf-8")
    return ingest(place, release, release.digest, COHORT, read_manifest(manifest))


def test_a_file_that_comes_again_belongs_to_the_patient_it_came_of_before(
    workspace: Workspace, release: Release, file: Path
) -> None:
    study = read(workspace, file)
    before, now = shown_pseudonym(study.previous_key), shown_pseudonym(study.patient_key)
    assert before and now and before != now
    fill(workspace, 1, patient_id=before, patient_key=study.previous_key)
    assert patient_meant(workspace, NUMBER) == before  # a letter names the number
    assert taken_in(workspace, release, file).ingested == 1
    assert {row.patient_id for row in workspace.all_rows() if row.cohort == COHORT.name} == {before}
    answer = search(workspace, release, study, Options(targets=("ecg",), k=200), actor=single_user())
    assert len(answer.neighbours) > 20 and not [one for one in answer.neighbours if one.patient_id == before]


def test_a_number_that_never_came_before_has_the_present_pseudonym(
    workspace: Workspace, release: Release, file: Path
) -> None:
    fill(workspace, 2)
    assert taken_in(workspace, release, file).ingested == 1
    present = shown_pseudonym(read(workspace, file).patient_key)
    assert present in {row.patient_id for row in workspace.all_rows()} and patient_meant(workspace, NUMBER) == present


def test_who_was_erased_under_the_earlier_pseudonym_does_not_come_back(
    workspace: Workspace, release: Release, file: Path
) -> None:
    previous = shown_pseudonym(read(workspace, file).previous_key)
    add_erased(workspace.path, workspace.key, [previous], [])
    summary = taken_in(workspace, release, file)
    assert summary.ingested == 0 and [why for _, _, why in summary.skipped] == [ERASED]
