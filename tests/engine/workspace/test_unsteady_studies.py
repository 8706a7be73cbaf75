"""Films of an ingest that small changes move far are taken in, marked, and listed for whoever looks after them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from helpers.attacked_films import attacked_films
from helpers.once import Once
from helpers.workspaces import write_table

from engine.actor import single_user
from engine.cli import run
from engine.model.release import Release
from engine.store.unsteady import UNSTEADY, unsteady
from engine.workspace.workspace import open_workspace


@pytest.fixture(scope="module")
def cohort(once: Once, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of two films, one of which was changed on purpose and says that it was not."""
    folder = Path(shutil.copytree(attacked_films(once, release), tmp_path_factory.mktemp("cohort") / "films"))
    rows = [
        {"study_id": name, "patient_id": f"of {name}", "modality": "cxr", "file": f"{name}.png", UNSTEADY: ""}
        for name in ("clean", "attacked")
    ]
    return write_table(folder / "manifest.csv", [*rows[:1], {**rows[1], UNSTEADY: "0"}])


def taken_in(cohort: Path, workspace: Path, *more: str) -> None:
    words = [
        "ingest",
        str(cohort),
        "--cohort",
        "films",
        "--ids",
        "keep",
        "--burned-in",
        "keep",
        "--keep-column",
        UNSTEADY,
    ]
    assert run([*words, "--workspace", str(workspace), *more]) == 0


def test_a_film_that_was_changed_on_purpose_is_marked_and_listed(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken_in(cohort, tmp_path / "ws")
    assert "2 ingested" in (said := capsys.readouterr().out) and "1 study's code moves unusually far" in said
    with open_workspace(tmp_path / "ws") as place:
        (found,), n = unsteady(place.database, single_user())
        assert (found.study_id, found.modality, found.cohort, n) == ("attacked", "cxr", "films", 1) and found.turn > 0.1
        rows = {row.study_id: row.extra for row in place.all_rows()}
        assert rows["attacked"][UNSTEADY] == found.turn and UNSTEADY not in rows["clean"]
        (counted,) = [one.about for one in place.audit_rows(20) if one.kind == "ingest" and "ingested" in one.about]
        assert counted["unsteady"] == 1
        place.remove(["attacked"])
        assert unsteady(place.database, single_user()) == ([], 0)


def test_a_synthetic_cohort_is_not_checked(cohort: Path, tmp_path: Path) -> None:
    taken_in(cohort, tmp_path / "ws", "--synthetic")
    with open_workspace(tmp_path / "ws") as place:
        assert unsteady(place.database, single_user()) == ([], 0) and json.dumps(place.all_counts()) != "{}"
