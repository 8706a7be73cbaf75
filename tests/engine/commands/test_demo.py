"""The shipped workspace: built in one step, instant when it is there, never at the cost of somebody's ratings."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from engine import settings
from engine.actor import Actor, single_user
from engine.cli import run
from engine.modalities import MODALITIES
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search_stored
from engine.teaching import collections
from engine.workspace import demo
from engine.workspace.manifest import read_manifest
from engine.workspace.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def shipped(shipped_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `casebind demo` built, as a copy of one's own."""
    return Path(shutil.copytree(shipped_folder, tmp_path_factory.mktemp("shipped") / "ws"))


def test_it_holds_the_synthetic_cohort(shipped: Path, shipped_folder: Path, release: Release) -> None:
    entries = read_manifest(settings.DEMO)
    with open_workspace(shipped) as place:
        rows = place.all_rows()
        assert len(entries) * 0.97 <= len(rows) <= len(entries)
        assert {row.modality for row in rows} == {"cxr", "ecg", "ppg", "text"}
        assert all(row.synthetic and row.licence and row.label_source for row in rows)
        assert place.without_codes(release.name) == []
        assert [cohort.synthetic for cohort in place.cohorts(actor=single_user())] == [True]
        assert len(place.siblings(rows[0].encounter_id, actor=single_user())) >= 3
    assert [path.name for path in shipped_folder.parent.iterdir()] == ["ws"]  # nothing half-built lies beside it


def test_if_missing_is_instant_and_changes_nothing(shipped: Path, capsys: pytest.CaptureFixture) -> None:
    before = (shipped / "casebind.duckdb").stat().st_mtime_ns
    begun = time.process_time()
    assert run(["demo", "--if-missing", "--workspace", str(shipped)]) == 0
    assert time.process_time() - begun < 2
    assert "is ready" in capsys.readouterr().out
    assert (shipped / "casebind.duckdb").stat().st_mtime_ns == before


def codes(place: Workspace, release: Release) -> dict[str, bytes]:
    """Return the 32 bytes of every study's code."""
    arrays = [place.codes(release.name, modality) for modality in MODALITIES]
    return {name: array.words[:, i].tobytes() for array in arrays for i, name in enumerate(array.ids)}


def test_ratings_survive_a_rebuild_and_codes_are_the_same_to_the_byte(shipped: Path, release: Release) -> None:
    with open_workspace(shipped) as place:
        query, match = sorted(row.study_id for row in place.all_rows() if row.modality == "ecg")[:2]
        place.rate(query, match, "relevant", actor=Actor("ann"), release=release.name)
        before = codes(place, release)
    assert run(["demo", "--workspace", str(shipped)]) == 0
    with open_workspace(shipped) as place:
        assert [one.mark for one in place.ratings(query, actor=Actor("ann"))] == ["relevant"]
        assert codes(place, release) == before


def test_studies_encoded_afresh_have_the_shipped_codes(shipped: Path, release: Release) -> None:
    with open_workspace(shipped) as place:
        held = codes(place, release)
        for modality in MODALITIES:
            rows = [row for row in place.all_rows() if row.modality == modality]
            for row in rows[:: len(rows) // 4]:
                study = place.study(row.study_id, actor=single_user())
                fresh = release.codes(release.embed([study]), modality)[0]
                assert fresh.tobytes() == held[row.study_id], row.study_id


def test_a_case_has_the_siblings_of_its_encounter_and_never_its_own_patient_as_neighbour(
    shipped: Path, release: Release
) -> None:
    with open_workspace(shipped) as place:
        visits: dict[str, set[str]] = {}
        for row in place.all_rows():
            visits.setdefault(row.patient_id, set()).add(row.encounter_id)
        patient = max(visits, key=lambda name: (len(visits[name]), name))
        for encounter in visits[patient]:
            siblings = place.siblings(encounter, actor=single_user())
            assert {row.encounter_id for row in siblings} == {encounter}
            assert {row.patient_id for row in siblings} == {patient}
            modalities = [row.modality for row in siblings]
            assert len(set(modalities)) == len(modalities) >= 3
            for row in siblings:
                found = search_stored(place, release, row.study_id, Options(k=1000), actor=single_user()).neighbours
                assert found
                assert patient not in {one.patient_id for one in found}


def test_a_workspace_of_ones_own_is_left_alone(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    with open_workspace(workspace_folder) as place:
        before = place.all_counts()
    assert run(["demo", "--if-missing", "--workspace", str(workspace_folder)]) == 0
    assert run(["demo", "--workspace", str(workspace_folder)]) == 2
    assert "left alone" in capsys.readouterr().err
    with open_workspace(workspace_folder) as place:
        assert place.all_counts() == before


class Stopped:
    """A progress bar whose user presses Ctrl-C at the second step."""

    steps = 0

    def update(self, n: float) -> None:
        self.steps += 1
        if self.steps == 2:
            raise KeyboardInterrupt


def test_a_rebuild_that_was_stopped_is_not_taken_for_a_whole_one(
    shipped: Path, tmp_path: Path, release: Release
) -> None:
    copy = Path(shutil.copytree(shipped, tmp_path / "ws"))
    query = next(iter(read_manifest(settings.DEMO))).study_id
    with open_workspace(copy) as place:
        place.rate(query, query, "relevant", actor=Actor("ann"), release=release.name)
    assert demo.is_up_to_date(copy, settings.DEMO, release.digest)
    marker = copy / "demo.json"  # as of an older cohort
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"demo": "older"}))
    with pytest.raises(KeyboardInterrupt):
        demo.build(copy, settings.DEMO, release, release.digest, Stopped())
    assert not demo.is_up_to_date(copy, settings.DEMO, release.digest)


def test_what_anybody_made_outlives_a_newer_cohort(shipped_folder: Path, tmp_path: Path, release: Release) -> None:
    """Of the record of acts, too: no workspace is replaced in which somebody did anything."""
    copy = Path(shutil.copytree(shipped_folder, tmp_path / "ws"))
    ann, study = Actor("ann"), next(iter(read_manifest(settings.DEMO))).study_id
    with open_workspace(copy) as place:
        made = collections.create(place, "Mine", actor=ann).collection_id
        collections.add(place, made, study, actor=ann)
    assert run(["users", "add", "bob", "--role", "clinician", "--workspace", str(copy)]) == 0
    marker = copy / "demo.json"  # as of an older cohort
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"demo": "older"}))
    assert run(["demo", "--workspace", str(copy)]) == 0
    assert demo.is_up_to_date(copy, settings.DEMO, release.digest)
    with open_workspace(copy) as place:
        assert [one.study_id for one in collections.items(place, made, actor=ann)] == [study]
        assert {"collection made", "account added"} <= {row["kind"] for row in place.database.audit.rows()}
    assert "bob" in (copy / "people.db").read_bytes().decode("latin-1")
