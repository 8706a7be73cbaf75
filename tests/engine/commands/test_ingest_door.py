"""What of a manifest comes in: allowed columns alone, and ids under the workspace's own pseudonyms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.actor import single_user
from engine.cli import casebind, run
from engine.intake.pseudonyms import patient_pseudonym
from engine.store.records import StudyRow
from engine.study import Note
from engine.workspace.reidentification import MAGIC, make_keys
from engine.workspace.workspace import open_workspace

HEAD = "file,modality,study_id,patient_id,encounter_id,report,ward,sbp,synthetic\n"
NUMBER, VISIT = "MRN-4711-08", "V2024-118"


def manifest(folder: Path, *rows: str, head: str = HEAD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.csv").write_text(head + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return folder


def ingest(folder: Path, workspace: Path, *more: str, cohort: str = "ward") -> int:
    return run(["ingest", str(folder), "--cohort", cohort, "--workspace", str(workspace), *more])


def rows(workspace: Path) -> dict[str, StudyRow]:
    with open_workspace(workspace) as place:
        return {row.study_id: row for row in place.all_rows()}


def is_anywhere(workspace: Path, words: str) -> bool:
    return any(words.encode() in file.read_bytes() for file in workspace.rglob("*") if file.is_file())


def test_columns_that_nobody_allowed_are_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    files, workspace = manifest(tmp_path / "in", ",text,t1,p1,,oedema,Ward Seven,120,"), tmp_path / "ws"
    assert ingest(files, workspace) == 0
    assert (
        "columns left out, with their filled cells: ward (1); --keep-column NAME keeps one" in capsys.readouterr().out
    )
    assert rows(workspace)["t1"].extra == {"sbp": "120"}
    assert not is_anywhere(workspace, "Ward Seven")
    assert ingest(files, tmp_path / "other", "--keep-column", "ward") == 0
    assert rows(tmp_path / "other")["t1"].extra == {"ward": "Ward Seven", "sbp": "120"}
    assert "left out" not in capsys.readouterr().out


def test_a_workspace_has_a_list_of_columns_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    files, workspace = manifest(tmp_path / "in", ",text,t1,p1,,oedema,Ward Seven,120,"), tmp_path / "ws"
    workspace.mkdir()
    (workspace / "columns.txt").write_text("# of the registry\nward\n\n", encoding="utf-8")
    assert ingest(files, workspace) == 0
    assert rows(workspace)["t1"].extra == {"ward": "Ward Seven", "sbp": "120"}
    (workspace / "columns.txt").write_bytes(b"\xff\xfe\xff")
    capsys.readouterr()
    assert ingest(files, workspace) == 2
    assert "columns.txt cannot be read" in capsys.readouterr().err


def test_a_person_has_one_pseudonym_in_every_ingest_and_the_numbers_stay_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    workspace = tmp_path / "ws"
    first = manifest(
        tmp_path / "1", f",text,t1,{NUMBER},{VISIT},oedema,,,", f",text,a-{NUMBER},{NUMBER},{VISIT},mass,,,"
    )
    second = manifest(tmp_path / "2", f",text,t2,{NUMBER},,effusion,,,", ",text,t3,other,,fibrosis,,,")
    assert ingest(first, workspace) == ingest(second, workspace, cohort="clinic") == 0
    said = capsys.readouterr().out
    assert "ids replaced by pseudonyms of this workspace: 1 of patients, 1 of encounters, 1 of studies" in said
    found = rows(workspace)
    with open_workspace(workspace) as place:
        pseudonym = patient_pseudonym(place.key, NUMBER)
    assert [one.patient_id for one in found.values()].count(pseudonym) == 3
    assert found["t1"].patient_id == found["t2"].patient_id == pseudonym != found["t3"].patient_id
    assert len({one.encounter_id for one in found.values() if one.cohort == "ward"}) == 1
    assert not is_anywhere(workspace, NUMBER) and not is_anywhere(workspace, VISIT)
    assert ingest(first, workspace) == 0
    assert "0 ingested, 2 already there" in capsys.readouterr().out
    where = ("--workspace", str(workspace), "--json")
    done = CliRunner().invoke(casebind, ["consent", "withdraw", NUMBER, *where])  # as the hospital knows them
    assert json.loads(done.stdout)["patient"] == pseudonym
    with open_workspace(workspace) as place:
        assert {row.study_id for row in place.rows(actor=single_user())} == {"t3"}
    assert json.loads(CliRunner().invoke(casebind, ["erase", NUMBER, *where]).stdout)["whole"]
    assert set(rows(workspace)) == {"t3"}
    assert ingest(second, workspace, cohort="clinic") == 0
    assert set(rows(workspace)) == {"t3"}


def test_public_pseudonyms_stay_where_the_cohort_declares_them(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    files, workspace = (
        manifest(tmp_path / "in", f",text,t1,{NUMBER},,oedema,,,", ",text,t2,syn-1,,mass,,,true"),
        tmp_path / "ws",
    )
    assert ingest(files, workspace, "--ids", "keep") == 0
    assert {one.patient_id for one in rows(workspace).values()} == {NUMBER, "syn-1"}
    assert ingest(files, workspace) == 0  # as it was begun
    capsys.readouterr()
    assert ingest(files, workspace, "--ids", "replace") == 2
    assert "was begun with --ids keep" in capsys.readouterr().err
    assert ingest(files, tmp_path / "other", "--ids", "replace-all") == 0
    found = rows(tmp_path / "other")
    assert found["t2"].patient_id == "syn-1" and "t1" not in found  # what is synthetic is nobody's


def test_who_the_pseudonyms_are_is_read_by_the_officers_key_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    files, workspace = manifest(tmp_path / "in", f",text,t1,{NUMBER},{VISIT},oedema,,,"), tmp_path / "ws"
    private, public, sealed = tmp_path / "private.pem", tmp_path / "public.pem", tmp_path / "who.enc"
    shell = CliRunner()
    assert shell.invoke(casebind, ["reidentification", "keys", str(private), str(public)]).exit_code == 0
    assert private.stat().st_mode & 0o777 == 0o600
    assert ingest(files, workspace, "--reidentification", str(sealed), "--officer-key", str(public)) == 0
    assert sealed.read_bytes().startswith(MAGIC) and NUMBER.encode() not in sealed.read_bytes()
    assert sealed.stat().st_mode & 0o777 == 0o600
    pseudonym = rows(workspace)["t1"].patient_id
    done = shell.invoke(casebind, ["reidentification", "open", str(sealed), pseudonym, "--key", str(private), "--json"])
    assert json.loads(done.stdout) == [{"what": "patient", "pseudonym": pseudonym, "id": NUMBER}]
    make_keys(tmp_path / "private2.pem", tmp_path / "public2.pem")
    whole = sealed.read_bytes()
    damaged = tmp_path / "damaged.enc"
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    opening = ["reidentification", "open"]
    capsys.readouterr()
    for words, said in (
        ([*opening, str(sealed), "--key", str(tmp_path / "private2.pem")], "sealed for another key, or is damaged"),
        ([*opening, str(damaged), "--key", str(private)], "sealed for another key, or is damaged"),
        ([*opening, str(public), "--key", str(private)], "no re-identification file"),
        ([*opening, str(sealed), "nobody", "--key", str(private)], "nobody is not in who.enc"),
        ([*opening, str(sealed), "--key", str(public)], "cannot be read"),
        (["reidentification", "keys", str(private), str(tmp_path / "new.pem")], "is there already"),
    ):
        assert run(words) == 2
        assert said in capsys.readouterr().err
    more = ("--reidentification", str(sealed), "--officer-key", str(public))
    for words, said in (
        (more, "is there already and is not written over"),
        (more[:2], "go together"),
        ((more[0], str(tmp_path / "new.enc"), more[2], str(private)), "holds no public key of an officer"),
        ((more[0], str(tmp_path / "none" / "new.enc"), *more[2:]), "There is no folder"),
    ):
        assert ingest(files, workspace, *words) == 2
        assert said in capsys.readouterr().err
    assert sealed.read_bytes() == whole


def test_texts_come_in_without_who_is_in_them(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    files, workspace = tmp_path / "in", tmp_path / "ws"
    manifest(
        files,
        ',text,t1,p1,,"Mr Quill, effusion since 12/03/2021.",,,',
        "note.txt,text,t2,p2,,,,,",
        ",text,t3,p3,,oedema,,,",
    )
    (files / "note.txt").write_text("Patientin Schwarzenbeck: Lungenödem.", encoding="utf-8")
    assert ingest(files, workspace) == 0
    assert "passages replaced in the texts of 2 rows: 1 × [date], 2 × [name]" in capsys.readouterr().out
    assert rows(workspace)["t1"].report == "[name], effusion since [date]."
    with open_workspace(workspace) as place:
        texts = {name: place.study(name, actor=single_user()).content for name in ("t1", "t2", "t3")}
    assert texts == {
        "t1": Note("[name], effusion since [date]."),
        "t2": Note("Patientin [name]: Lungenödem."),
        "t3": Note("oedema"),
    }
    assert not is_anywhere(workspace, "Quill") and not is_anywhere(workspace, "Schwarzenbeck")
    assert ingest(files, workspace) == 0
    assert "passages" not in capsys.readouterr().out  # nothing came in
    assert ingest(files, tmp_path / "strict", "--free-text", "refuse") == 0
    said = capsys.readouterr().out
    assert "1 ingested, 0 already there, 2 skipped" in said
    assert "row 1 t1: its text holds what may tell who somebody is (date, name)" in said
    assert "row 2 t2: its text holds what may tell who somebody is (name)" in said
    assert not is_anywhere(tmp_path / "strict", "Quill")
    assert ingest(files, tmp_path / "open", "--free-text", "keep") == 0
    assert rows(tmp_path / "open")["t1"].report == "Mr Quill, effusion since 12/03/2021."
