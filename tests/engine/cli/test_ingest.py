"""Taking a cohort in: restartable after kill -9, nothing lost, nothing double, one bad row skipped."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import write_manifest

from engine import settings
from engine.cli import run
from engine.index.manifest import read_manifest
from engine.index.workspace import open_workspace
from engine.release import Release


def ingest(manifest: Path, workspace: Path, cohort: str = "ward") -> list[str]:
    return ["ingest", str(manifest), "--cohort", cohort, "--workspace", str(workspace)]


def test_kill_nine_loses_nothing_and_doubles_nothing(
    tmp_path: Path, release: Release, capsys: pytest.CaptureFixture
) -> None:
    manifest = write_manifest(tmp_path / "files", range(50, 68))
    wanted = {entry.study_id for entry in read_manifest(manifest)}
    words = [sys.executable, "-m", "engine.cli", *ingest(manifest, tmp_path / "ws")]
    stored: list[int] = []
    for number in (1, 2):  # killed within so many batches; each may leave files without rows
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_files(tmp_path / "ws" / "studies", sum(stored) + 16 * number - 5, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with open_workspace(tmp_path / "ws", create=True) as place:
            rows = place.rows()
            stored.append(len(rows))
            assert all(place.study(row.study_id).fingerprint for row in rows)
            assert place.without_codes(release.name) == []
    assert stored == sorted(stored)
    assert run(ingest(manifest, tmp_path / "ws")) == 0
    done = capsys.readouterr().out
    with open_workspace(tmp_path / "ws") as place:
        found = [row.study_id for row in place.rows()]
        assert len(found) == len(set(found))
        skipped = wanted - set(found)
        assert f"{stored[-1]} already there, {len(skipped)} skipped" in done
        assert len(skipped) <= 3  # of the quality gate
        files = [path for path in (tmp_path / "ws" / "studies").rglob("*") if path.is_file()]
        assert len(files) == len(found)
    assert run(ingest(manifest, tmp_path / "ws")) == 0
    assert capsys.readouterr().out.startswith(f"0 ingested, {len(found)} already there")


def wait_for_files(folder: Path, count: int, process: subprocess.Popen) -> None:
    """Wait until that many content files are written, or the process has ended."""
    deadline = time.monotonic() + 120
    while len(list(folder.glob("*/*"))) < count and process.poll() is None:
        assert time.monotonic() < deadline, "the ingest made no progress"
        time.sleep(0.02)


def test_bad_rows_are_skipped_with_their_reasons(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    manifest = write_manifest(tmp_path / "files", range(80, 82))
    (tmp_path / "files" / "noise.csv").write_bytes(os.urandom(3000))
    lines = manifest.read_text(encoding="utf-8").splitlines()
    good = len(lines) - 1
    blank = "," * (lines[0].count(",") - 2)
    bad = ["../../etc/passwd,ecg,escape", "noise.csv,ecg,noise", "none.csv,ppg,none", "ecg/syn-0080.hea,cxr,wrong"]
    manifest.write_text("\n".join([lines[0], *(row + blank for row in bad), *lines[1:]]) + "\n", encoding="utf-8")

    assert run(ingest(manifest, tmp_path / "ws")) == 0

    assert f"{good} ingested, 0 already there, 4 skipped" in capsys.readouterr().out
    (report,) = (tmp_path / "ws" / "reports").glob("*.csv")
    with report.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["row"], row["study_id"]) for row in rows] == [
        ("1", "escape"), ("2", "noise"), ("3", "none"), ("4", "wrong")
    ]  # fmt: skip
    assert all(row["reason"] for row in rows)


def test_facts_consent_and_further_columns_arrive(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "manifest.csv").write_text(
        "file,modality,study_id,patient_id,encounter_id,acquired_at,age,sex,labels,report,consent,ward\n"
        ",text,t1,p1,e1,2024-02-01,0,F,Edema;Effusion,left effusion,no,7\n"
        ",text,t2,p1,e1,,,,,oedema,,\n"
        ",text,t3,p2,e1,,,,,another patient's encounter,,\n"
        ",text,,,,,,,,no ids at all,,\n",
        encoding="utf-8",
    )
    assert run(["ingest", str(tmp_path), "--cohort", "notes", "--licence", "CC BY 4.0", "--label-source", "Dr A",
                "--workspace", str(tmp_path / "ws")]) == 0  # fmt: skip
    assert "3 ingested, 0 already there, 1 skipped" in capsys.readouterr().out
    with open_workspace(tmp_path / "ws") as place:
        row = place.row("t1")
        assert (row.age, row.sex, row.labels, row.extra) == (0.0, "F", ("Edema", "Effusion"), {"ward": "7"})
        assert (row.licence, row.label_source, row.acquired_at) == ("CC BY 4.0", "Dr A", "2024-02-01")
        assert [one.study_id for one in place.siblings("e1")] == ["t1", "t2"]
        assert not place.consent("p1")
        (nameless,) = (one for one in place.rows() if one.study_id.startswith("notes-"))
        assert nameless.patient_id == nameless.encounter_id == nameless.study_id


def test_one_id_in_two_cohorts_is_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "manifest.csv").write_text("file,modality,study_id,report\n,text,t1,effusion\n")
    assert run(ingest(tmp_path, tmp_path / "ws", "first")) == 0
    assert run(ingest(tmp_path, tmp_path / "ws", "second")) == 0
    assert "taken by cohort first" in capsys.readouterr().out


@pytest.mark.recordings
def test_the_open_recordings_folder_is_known(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    from engine.commands.ingest import entries_of

    recordings = settings.recordings_path()
    if recordings is None:
        pytest.skip("the open recordings are not on this machine")
    entries = entries_of(recordings, "test")
    assert {entry.facts["label_source"] != "" for entry in entries} == {True}
    film, ecg = entries[0].load(b""), next(one for one in entries if one.study_id.startswith("ptbxl")).load(b"")
    assert (film.modality, ecg.modality) == ("cxr", "ecg")
    assert len(film.fingerprint) == len(ecg.fingerprint) == 64
    assert ecg.fingerprint != film.fingerprint
