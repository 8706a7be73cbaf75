"""The shipped workspace: built in one step, instant when it is there, never at the cost of somebody's ratings."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine import settings
from engine.cli import run
from engine.index.manifest import read_manifest
from engine.index.workspace import open_workspace
from engine.release import Release


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped") / "ws"
    assert run(["demo", "--workspace", str(folder)]) == 0
    return folder


def test_it_holds_the_synthetic_cohort(shipped: Path, release: Release) -> None:
    entries = read_manifest(settings.DEMO)
    with open_workspace(shipped) as place:
        rows = place.rows()
        assert len(entries) * 0.97 <= len(rows) <= len(entries)
        assert {row.modality for row in rows} == {"cxr", "ecg", "ppg", "text"}
        assert all(row.synthetic and row.licence and row.label_source for row in rows)
        assert place.without_codes(release.name) == []
        assert [cohort.synthetic for cohort in place.cohorts()] == [True]
        assert len(place.siblings(rows[0].encounter_id)) >= 3
    assert [path.name for path in shipped.parent.iterdir()] == ["ws"]  # nothing half-built lies beside it


def test_if_missing_is_instant_and_changes_nothing(shipped: Path, capsys: pytest.CaptureFixture) -> None:
    before = (shipped / "casebind.duckdb").stat().st_mtime_ns
    begun = time.perf_counter()
    assert run(["demo", "--if-missing", "--workspace", str(shipped)]) == 0
    assert time.perf_counter() - begun < 2
    assert "is ready" in capsys.readouterr().out
    assert (shipped / "casebind.duckdb").stat().st_mtime_ns == before


def test_ratings_survive_a_rebuild(shipped: Path, release: Release, capsys: pytest.CaptureFixture) -> None:
    with open_workspace(shipped) as place:
        place.rate("syn-0001-ecg", "syn-0002-ecg", "relevant", "ann", release=release.name)
        n = sum(place.counts().values())
    assert run(["demo", "--workspace", str(shipped)]) == 0
    with open_workspace(shipped) as place:
        assert [one.mark for one in place.ratings("syn-0001-ecg", "ann")] == ["relevant"]
        assert sum(place.counts().values()) == n


def test_a_workspace_of_ones_own_is_left_alone(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["demo", "--if-missing", "--workspace", str(workspace_folder)]) == 0
    assert run(["demo", "--workspace", str(workspace_folder)]) == 2
    assert "left alone" in capsys.readouterr().err
    with open_workspace(workspace_folder) as place:
        assert place.counts()["ecg"] == 30
