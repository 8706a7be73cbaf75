"""Films with a name in their pixels at the command line: set aside, blacked out, or taken on somebody's word."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from helpers.burned_in import NAME, NEEDS_OCR, as_png, named_film, shipped_film

from engine.actor import single_user
from engine.cli import run
from engine.intake.burned_in_choice import FACT
from engine.workspace.workspace import open_workspace

pytestmark = NEEDS_OCR


def searched(file: Path, folder: Path, *more: str) -> int:
    return run(["search", str(file), "--k", "1", "--workspace", str(folder), *more])


def test_a_named_film_is_not_searched_before_somebody_chose(
    workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = named_film(tmp_path)
    assert searched(file, workspace_folder) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith(
        "The film seems to carry text in 1 place, which may name its patient, and is left out: look at"
    )
    assert said.count("\n") == 0 and "MUELLER" not in said
    with open_workspace(workspace_folder) as place:
        (row,) = [row for row in place.audit_rows() if row.kind == "text in a film"]
        assert (row.about["choice"], row.about["flagged"]) == ("refuse", 1)
        assert place.path.joinpath("queries").is_dir() is False or not any(place.queries_folder.iterdir())

    assert searched(file, workspace_folder, "--burned-in", "black-out") == 0
    assert "text blacked out" in capsys.readouterr().out
    with open_workspace(workspace_folder) as place:
        (query_id,) = {row.query_id for row in place.audit_rows() if row.kind == "search"}
        stored = place.query(query_id, actor=single_user())
        assert stored is not None and stored.study.facts[FACT]["choice"] == "black-out"
        ((left, top, right, bottom),) = stored.study.facts[FACT]["boxes"]
        height, width = stored.study.film.pixels.shape
        inside = stored.study.film.pixels[
            int(top * height) : int(bottom * height), int(left * width) : int(right * width)
        ]
        assert inside.size > 0 and not inside.any()
        assert "blacked out where it was found" in stored.study.identity_note


def cohort(folder: Path) -> Path:
    """Write a manifest of a film with a name and one without."""
    folder.mkdir()
    named_film(folder)
    (folder / "plain.png").write_bytes(as_png(shipped_film()))
    (folder / "manifest.csv").write_text("file,modality,study_id\nfilm.png,cxr,named\nplain.png,cxr,plain\n")
    return folder


def taken_in(folder: Path, place: Path, *more: str) -> dict[str, dict]:
    """Ingest, and return what is noted with each study that went in."""
    assert run(["ingest", str(folder), "--cohort", "ward", "--workspace", str(place), *more]) == 0
    with open_workspace(place) as opened:
        return {row.study_id: row.extra.get(FACT) for row in opened.all_rows()}


def test_an_ingest_sets_named_films_aside_unless_it_is_told_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder, place = cohort(tmp_path / "films"), tmp_path / "ws"
    found = taken_in(folder, place)
    assert list(found) == ["plain"] and found["plain"]["boxes"] == []
    said = capsys.readouterr().out
    assert "1 ingested, 0 already there, 1 skipped" in said
    assert (
        "Text was looked for in 2 films: 1 seemed to carry some (skipped); small or faint text can be missed." in said
    )
    (report,) = (place / "reports").glob("*.csv")
    with report.open(newline="", encoding="utf-8") as handle:
        (row,) = csv.DictReader(handle)
    assert row["study_id"] == "named" and "--burned-in black-out" in row["reason"] and NAME[:5] not in row["reason"]

    found = taken_in(folder, place, "--burned-in", "black-out")  # goes on where it was
    assert found["named"]["choice"] == "black-out" and len(found["named"]["boxes"]) == 1
    with open_workspace(place) as opened:
        study = opened.study("named", actor=single_user())
        assert (
            study.film.pixels[35, 60] == 0 and opened.row("named", actor=single_user()).fingerprint == study.fingerprint
        )
        noted = [row.about for row in opened.audit_rows() if row.kind == "ingest" and "text in films" in row.about]
        assert noted[0]["text in films"]["choice"] == "black-out" and noted[0]["text in films"]["flagged"] == 1


def test_kept_films_are_taken_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    found = taken_in(cohort(tmp_path / "films"), tmp_path / "ws", "--burned-in", "keep")
    assert found == {"named": None, "plain": None}
    assert "Text burned into 2 films was not looked for, as asked." in capsys.readouterr().out
