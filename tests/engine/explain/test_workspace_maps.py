"""What was computed once is there at once, also after a restart; a patient who withdraws takes it along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.actor import single_user
from engine.errors import NotPermittedError
from engine.explain.maps import GRADIENTS, OCCLUSION, PairMaps
from engine.explain.workspace_maps import explained
from engine.intake.paths import read_paths
from engine.model.release import Release
from engine.settings import DEMO
from engine.store import pair_maps
from engine.store.workspace_files import WorkspaceFiles
from engine.study import Study
from engine.workspace.workspace import Workspace, open_workspace

QUERY, CASE, OTHER = "syn-0001-e1-ecg", "syn-0003-e1-ecg", "syn-0002-e1-ecg"


def maps_of(
    place: Workspace, release: Release, query: Study, case: str = CASE, method: str = GRADIENTS
) -> tuple[PairMaps, list[str]]:
    """Return the last maps, and what was said while they were computed: nothing where they were stored."""
    heard: list[str] = []
    actor = single_user()
    *_, maps = explained(
        place, release, query, case, actor=actor, method=method, progress=lambda share, words: heard.append(words)
    )
    return maps, heard


@pytest.fixture
def asked(workspace: Workspace) -> Study:
    """A study of the workspace as a query."""
    return workspace.study(QUERY, actor=single_user())


def files(folder: Path) -> list[Path]:
    return sorted((folder / "maps").glob("*.npz"))


@pytest.mark.parametrize("method", [GRADIENTS, OCCLUSION])
def test_a_second_look_is_the_first_one_again_also_after_a_restart(
    workspace_folder: Path, release: Release, method: str
) -> None:
    with open_workspace(workspace_folder) as place:
        first, heard = maps_of(place, release, place.study(QUERY, actor=single_user()), method=method)
    assert heard and len(files(workspace_folder)) == 1
    with open_workspace(workspace_folder) as place:
        again, silence = maps_of(place, release, place.study(QUERY, actor=single_user()), method=method)
    assert not silence and again.final and again.notes == first.notes
    assert again.similarity == first.similarity
    for new, old in ((again.query, first.query), (again.match, first.match)):
        assert new is not None and old is not None
        assert np.array_equal(new.values, old.values)
        assert (new.gap, new.steps, new.converged) == (old.gap, old.steps, old.converged)
        assert new.method == method
        if old.parts is not None and new.parts is not None:
            assert new.parts.names == old.parts.names
            assert np.array_equal(new.parts.values, old.parts.values)


def test_another_query_window_case_or_method_is_computed_of_its_own(
    workspace: Workspace, release: Release, asked: Study
) -> None:
    maps_of(workspace, release, asked)
    assert maps_of(workspace, release, replace(asked, window_s=(1.0, 6.0)))[1]
    assert maps_of(workspace, release, asked, OTHER)[1]
    assert maps_of(workspace, release, asked, method=OCCLUSION)[1]
    assert maps_of(workspace, release, workspace.study(OTHER, actor=single_user()))[1]
    assert not maps_of(workspace, release, asked)[1]


@pytest.mark.parametrize("side", [QUERY, CASE])
def test_a_patient_who_withdraws_takes_the_maps_along(
    workspace: Workspace, release: Release, asked: Study, side: str
) -> None:
    """The file is gone, whichever side the patient is of; those of others stay."""
    maps_of(workspace, release, asked)
    maps_of(workspace, release, read_paths([DEMO / "ecg" / "syn-0005-e1-ecg.hea"]), OTHER)
    assert len(files(workspace.path)) == 2
    patient = workspace.row(side, actor=single_user()).patient_id
    workspace.set_consent(patient, False, actor=single_user())
    assert len(files(workspace.path)) == 1
    if side == CASE:
        with pytest.raises(NotPermittedError):
            maps_of(workspace, release, asked)
    else:  # what is on the page already can be explained, and is not stored
        assert maps_of(workspace, release, asked)[1] and len(files(workspace.path)) == 1


def test_a_study_that_is_removed_takes_them_along(workspace: Workspace, release: Release, asked: Study) -> None:
    maps_of(workspace, release, asked)
    workspace.remove([CASE])
    assert files(workspace.path) == []


def test_names_say_nothing_and_a_damaged_file_is_made_anew(
    workspace: Workspace, release: Release, asked: Study
) -> None:
    maps_of(workspace, release, asked)
    (file,) = files(workspace.path)
    assert "syn" not in file.name
    file.write_bytes(file.read_bytes()[:100])
    assert maps_of(workspace, release, asked)[1]
    assert not maps_of(workspace, release, asked)[1]


def test_there_are_never_more_than_have_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ones looked at longest ago go first."""
    store = pair_maps.MapFiles(WorkspaceFiles(tmp_path, b"secret"), b"secret")
    noise = np.random.default_rng(0).standard_normal(1000)
    monkeypatch.setattr(pair_maps, "MOST_BYTES", 30_000)
    for number in range(6):
        store.save(f"pair {number}", ["patient p"], {"x": noise})
        store.load("pair 0")
    assert store.load("pair 0") is not None and store.load("pair 5") is not None and store.load("pair 1") is None
    assert sum(file.stat().st_size for file in files(tmp_path)) <= 30_000
