"""Changed limits judge the studies of a workspace again; what they refuse is set aside and comes back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from helpers.schemas import drop_made_since
from helpers.workspaces import write_manifest

from engine import settings
from engine.actor import single_user
from engine.cli import run
from engine.errors import NotPermittedError, UsageError
from engine.intake.quality.verdict import SHIPPED, gate_digest, limit
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search_stored
from engine.store.database import FILE_NAME
from engine.workspace import demo
from engine.workspace.rejudge import outdated, rejudge
from engine.workspace.workspace import Workspace, open_workspace

ACTOR = single_user()


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    """A copy of the limits that no pulse recording of ten seconds meets."""
    limits = json.loads(SHIPPED.read_text("utf-8"))
    limits["ppg"]["duration"]["value"] = 3600.0
    file = tmp_path / "strict.json"
    file.write_text(json.dumps(limits), "utf-8")
    return file


def answers(place: Workspace, release: Release) -> list[tuple[str, int]]:
    """Return what is found near some ECG in every modality."""
    asked = next(row.study_id for row in place.all_rows() if row.modality == "ecg")
    found = search_stored(place, release, asked, Options(k=40), actor=ACTOR).neighbours
    return [(one.study_id, one.hamming) for one in found]


def kinds(found: list[tuple[str, int]]) -> set[str]:
    """Return the modalities of what was found, which the ids of the shipped cohort end with."""
    return {study_id.rpartition("-")[2] for study_id, _ in found}


def test_a_changed_limit_sets_studies_aside_and_they_come_back(
    workspace_folder: Path,
    strict: Path,
    release: Release,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with open_workspace(workspace_folder) as place:
        before, rows = answers(place, release), place.all_rows()
        codes = place.codes(release.name, "ppg").words.tobytes()
    pulses = [row.study_id for row in rows if row.modality == "ppg"]
    assert kinds(before) == {"cxr", "ecg", "ppg", "text"}
    monkeypatch.setenv("CASEBIND_THRESHOLDS", str(strict))
    assert run(["reindex", "--workspace", str(workspace_folder)]) == 0
    said = capsys.readouterr().out
    assert f"{len(rows)} studies had been judged by another quality gate" in said
    assert f"{len(pulses)} are newly set aside, 0 came back" in said
    with open_workspace(workspace_folder) as place:
        assert answers(place, release) == [one for one in before if not one[0].endswith("-ppg")]
        with pytest.raises(NotPermittedError, match="is set aside: The recording is 10 s long"):
            place.row(pulses[0], actor=ACTOR)
        assert [row.study_id for row in place.all_rows()] == [row.study_id for row in rows]
    monkeypatch.delenv("CASEBIND_THRESHOLDS")
    assert run(["reindex", "--workspace", str(workspace_folder)]) == 0
    assert f"0 are newly set aside, {len(pulses)} came back, and 0 of" in capsys.readouterr().out
    with open_workspace(workspace_folder) as place:
        assert answers(place, release) == before
        assert place.codes(release.name, "ppg").words.tobytes() == codes
        assert [row.refused for row in place.all_rows()] == [""] * len(rows)
        again = {row.study_id: row.quality_score for row in place.all_rows()}
    assert again == pytest.approx({row.study_id: row.quality_score for row in rows}, abs=1e-3)


def test_a_mask_in_memory_learns_of_it(
    workspace: Workspace, strict: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "ppg" in kinds(answers(workspace, release))
    monkeypatch.setenv("CASEBIND_THRESHOLDS", str(strict))
    done = rejudge(workspace)
    assert done.refused == done.set_aside > 0
    assert "ppg" not in kinds(answers(workspace, release))


def test_the_same_gate_judges_nothing_again(workspace: Workspace) -> None:
    assert {row.gate for row in workspace.all_rows()} == {gate_digest()}
    assert outdated(workspace) == 0
    assert rejudge(workspace).judged == 0


def test_a_workspace_of_schema_8_answers_as_before_and_is_judged_again(
    workspace_folder: Path, release: Release
) -> None:
    with open_workspace(workspace_folder) as place:
        before = answers(place, release)
    with duckdb.connect(str(workspace_folder / FILE_NAME)) as file:  # as an earlier Casebind left it
        drop_made_since(file, 9)
        file.execute("DELETE FROM schema_version WHERE version >= 9")
    with open_workspace(workspace_folder) as place:
        assert answers(place, release) == before
        assert outdated(place) == len(place.all_rows())
        done = rejudge(place)
        assert (done.refused, done.set_aside) == (0, 0) and outdated(place) == 0
        assert answers(place, release) == before


def small_cohort(folder: Path, release: Release) -> Path:
    """Write a folder like data/demo of a few patients, without films, with the shipped embeddings."""
    write_manifest(folder, range(1, 4))
    shutil.copy(settings.DEMO / f"embeddings-{release.name}.npz", folder)
    return folder


def test_the_shipped_cohort_is_judged_by_the_limits_that_hold(
    tmp_path: Path, strict: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, folder = small_cohort(tmp_path / "cohort", release), tmp_path / "ws"
    whole = demo.build(folder, cohort, release, release.digest)
    assert demo.is_up_to_date(folder, cohort, release.digest) and not whole.skipped
    with open_workspace(folder) as place:
        held = {m: place.codes(release.name, m).words.tobytes() for m in release.modalities}
    monkeypatch.setenv("CASEBIND_THRESHOLDS", str(strict))
    assert not demo.is_up_to_date(folder, cohort, release.digest)
    summary = demo.build(folder, cohort, release, release.digest)
    assert summary.skipped and all("at least 3.6e+03 s" in reason for _, _, reason in summary.skipped)
    with open_workspace(folder) as place:
        assert set(place.all_counts()) == {"ecg", "text"}
        assert place.codes(release.name, "ecg").words.tobytes() == held["ecg"]
    monkeypatch.delenv("CASEBIND_THRESHOLDS")
    assert demo.build(folder, cohort, release, release.digest).ingested == whole.ingested
    with open_workspace(folder) as place:
        assert {m: place.codes(release.name, m).words.tobytes() for m in release.modalities} == held


def test_a_shipped_workspace_with_ratings_keeps_what_the_gate_refuses(
    tmp_path: Path, strict: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, folder = small_cohort(tmp_path / "cohort", release), tmp_path / "ws"
    demo.build(folder, cohort, release, release.digest)
    with open_workspace(folder) as place:
        pulses = [row.study_id for row in place.all_rows() if row.modality == "ppg"]
        place.rate(pulses[0], pulses[1], "relevant", actor=ACTOR, release=release.name)
    monkeypatch.setenv("CASEBIND_THRESHOLDS", str(strict))
    assert demo.build(folder, cohort, release, release.digest).set_aside == len(pulses)
    with open_workspace(folder) as place:
        assert {row.study_id for row in place.all_rows() if row.refused} == set(pulses)
        assert len(place.all_ratings()) == 1
    assert demo.is_up_to_date(folder, cohort, release.digest)


def test_limits_that_cannot_be_read_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEBIND_THRESHOLDS", str(tmp_path / "absent.json"))
    with pytest.raises(UsageError, match="The gate's limits cannot be read"):
        limit("ppg", "duration")
