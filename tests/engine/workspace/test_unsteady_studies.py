"""Films of an ingest that small changes move far are taken in, marked, and listed for whoever looks after them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.attacked_films import attacked_films, release_with_limit
from helpers.once import Once
from helpers.workspaces import write_table

from engine.actor import single_user
from engine.commands.ingest import summary_lines
from engine.model.release import Release
from engine.store.records import KEEP_IDS, Cohort
from engine.store.unsteady import UNSTEADY, unsteady
from engine.workspace.door import Door, DoorRules
from engine.workspace.ingest import Summary, ingest
from engine.workspace.manifest import read_manifest
from engine.workspace.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def limited(once: Once, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release with a limit between the film and its changed copy."""
    return release_with_limit(once, release, tmp_path_factory.mktemp("limited"))


@pytest.fixture(scope="module")
def manifest(once: Once, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two films, one of which was changed on purpose and says that it was not."""
    folder = Path(shutil.copytree(attacked_films(once, release), tmp_path_factory.mktemp("cohort") / "films"))
    rows = [
        {"study_id": name, "patient_id": f"of {name}", "modality": "cxr", "file": f"{name}.png", UNSTEADY: said}
        for name, said in (("clean", ""), ("attacked", "0"))
    ]
    return write_table(folder / "manifest.csv", rows)


def taken_in(place: Workspace, release: Release, manifest: Path, *, synthetic: bool = False) -> Summary:
    cohort = Cohort("films", "CC0", "", synthetic, "the manifest", KEEP_IDS)
    door = Door(cohort, place.key, DoorRules(frozenset([UNSTEADY])))
    return ingest(place, release, release.digest, door.cohort, read_manifest(manifest), door=door)


def test_a_film_that_was_changed_on_purpose_is_marked_and_listed(
    limited: Release, manifest: Path, tmp_path: Path
) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        summary = taken_in(place, limited, manifest)
        assert (summary.ingested, summary.unsteady) == (2, 1)
        assert "1 study's code moves unusually far" in summary_lines(summary)
        (found,), n = unsteady(place.database, single_user())
        assert (found.study_id, found.modality, found.cohort, n) == ("attacked", "cxr", "films", 1)
        rows = {row.study_id: row.extra for row in place.all_rows()}
        assert rows["attacked"][UNSTEADY] == found.turn > 0 and UNSTEADY not in rows["clean"]
        place.remove(["attacked"])
        assert unsteady(place.database, single_user()) == ([], 0)


def test_a_synthetic_cohort_is_not_checked(limited: Release, manifest: Path, tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        summary = taken_in(place, limited, manifest, synthetic=True)
        assert (summary.ingested, summary.unsteady) == (2, 0)
        assert unsteady(place.database, single_user()) == ([], 0)
