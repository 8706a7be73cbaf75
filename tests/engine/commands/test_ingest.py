"""Taking a cohort in: restartable after kill -9, nothing lost, nothing double, one bad row skipped."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from helpers.published_layouts import RECORDS, mimic_cxr, mimic_ecg, mimic_iv, ptbxl
from helpers.workspaces import write_manifest

from engine import settings
from engine.actor import single_user
from engine.cli import run
from engine.commands.ingest import entries_of
from engine.errors import NotPermittedError
from engine.intake.paths import read_paths
from engine.intake.quality.judge import judge
from engine.model.release import Release
from engine.training.data.captions import load_captions
from engine.training.data.prepared import load
from engine.workspace.manifest import read_manifest
from engine.workspace.workspace import open_workspace


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
            rows = place.all_rows()
            stored.append(len(rows))
            assert all(place.study(row.study_id, actor=single_user()).fingerprint for row in rows)
            assert place.without_codes(release.name) == []
    assert stored == sorted(stored)
    assert run(ingest(manifest, tmp_path / "ws")) == 0
    done = capsys.readouterr().out
    with open_workspace(tmp_path / "ws") as place:
        found = [row.study_id for row in place.all_rows()]
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
    bad = [
        "../../etc/passwd,ecg,escape",
        "noise.csv,ecg,noise",
        "none.csv,ppg,none",
        "ecg/syn-0080-e1-ecg.hea,cxr,wrong",
    ]
    manifest.write_text("\n".join([lines[0], *(row + blank for row in bad), *lines[1:]]) + "\n", encoding="utf-8")

    assert run(ingest(manifest, tmp_path / "ws")) == 0

    assert f"{good} ingested, 0 already there, 4 skipped" in capsys.readouterr().out
    (report,) = (tmp_path / "ws" / "reports").glob("*.csv")
    with report.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["row"], row["study_id"]) for row in rows] == [
        ("1", "escape"),
        ("2", "noise"),
        ("3", "none"),
        ("4", "wrong"),
    ]
    assert all(row["reason"] for row in rows)


def test_cells_that_were_left_out_are_in_a_report_and_their_rows_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "manifest.csv").write_text(
        "file,modality,study_id,age,sex,report\n"
        ",text,=1+1,old,F,effusion\n"
        ",text,t2,90+,?,oedema\n"
        ",text,t3,40,M,pneumonia\n"
        "gone.png,cxr,@SUM(1),40,M,\n",
        encoding="utf-8",
    )
    assert run(ingest(tmp_path, tmp_path / "ws")) == 0
    told = capsys.readouterr().out
    assert "3 ingested, 0 already there, 1 skipped" in told
    assert "2 rows have a cell that was read freely or left out" in told
    assert "row 2 t2: the age '90+' is at least 90" in told
    with open_workspace(tmp_path / "ws") as place:
        ages = [place.row(study_id, actor=single_user()).age for study_id in ("=1+1", "t2", "t3")]
    assert ages == [None, 90.0, 40.0]
    (remarks,) = (tmp_path / "ws" / "reports").glob("remarks-*.csv")
    (skipped,) = (tmp_path / "ws" / "reports").glob("skipped-*.csv")
    with remarks.open(newline="", encoding="utf-8") as handle:
        assert [row[:2] for row in csv.reader(handle)] == [
            ["row", "study_id"],
            ["1", "'=1+1"],
            ["2", "t2"],
            ["2", "t2"],
        ]
    assert skipped.read_text().splitlines()[1].startswith("4,'@SUM(1),")

    assert run(["encode", str(tmp_path), "--out", str(tmp_path / "codes.npz")]) == 0
    assert "row 1 =1+1: the age 'old' is no number of years, so it is left out" in capsys.readouterr().out
    with np.load(tmp_path / "codes.npz") as table:
        assert table["accepted"].tolist() == [True, True, True, False]
        assert table["remark"].tolist()[2:] == ["", ""]


def test_no_file_of_a_row_lies_outside_the_manifests_folder(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    source, inner = settings.DEMO / "ecg", tmp_path / "inner"
    inner.mkdir()
    (name,) = (path.stem for path in source.glob("syn-0001-e1-ecg.hea"))
    parts = sorted(path for path in source.glob(f"{name}*") if path.suffix != ".hea")
    (inner / f"{name}.hea").write_bytes((source / f"{name}.hea").read_bytes())
    for part in parts:
        (tmp_path / part.name).write_bytes(part.read_bytes())
        (inner / part.name).symlink_to(tmp_path / part.name)
    (inner / "manifest.csv").write_text(f"file,modality,study_id\n{name}.hea,ecg,linked\n", encoding="utf-8")
    assert run(ingest(inner, tmp_path / "ws")) == 0
    assert "lies outside the manifest's folder" in capsys.readouterr().out
    for part in parts:  # a link within the folder is as good as the file
        (inner / part.name).unlink()
        (inner / f"real-{part.name}").write_bytes(part.read_bytes())
        (inner / part.name).symlink_to(inner / f"real-{part.name}")
    assert run(ingest(inner, tmp_path / "ws")) == 0
    assert capsys.readouterr().out.startswith("1 ingested")


def test_facts_consent_and_further_columns_arrive(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "manifest.csv").write_text(
        "file,modality,study_id,patient_id,encounter_id,acquired_at,age,sex,labels,report,consent,ward\n"
        ",text,t1,p1,e1,2024-02-01,0,F,Edema;Effusion,left effusion,no,7\n"
        ",text,t2,p1,e1,,,,,oedema,,\n"
        ",text,t3,p2,e1,,,,,another patient's encounter,,\n"
        ",text,,,,,,,,no ids at all,,\n",
        encoding="utf-8",
    )
    assert (
        run(
            [
                "ingest",
                str(tmp_path),
                "--cohort",
                "notes",
                "--licence",
                "CC BY 4.0",
                "--label-source",
                "Dr A",
                "--ids",
                "keep",
                "--keep-column",
                "ward",
                "--workspace",
                str(tmp_path / "ws"),
            ]
        )
        == 0
    )
    assert "3 ingested, 0 already there, 1 skipped" in capsys.readouterr().out
    with open_workspace(tmp_path / "ws") as place:
        rows = {row.study_id: row for row in place.all_rows()}
        row = rows["t1"]
        assert (row.age, row.sex, row.labels, row.extra) == (0.0, "F", ("Edema", "Effusion"), {"ward": "7"})
        assert (row.licence, row.label_source, row.acquired_at) == ("CC BY 4.0", "Dr A", "2024-02-01")
        assert sorted(row.study_id for row in rows.values() if row.encounter_id == "e1") == ["t1", "t2"]
        assert not place.consent("p1", actor=single_user())
        with pytest.raises(NotPermittedError):
            place.row("t1", actor=single_user())
        assert place.siblings("e1", actor=single_user()) == []
        (nameless,) = (row for row in rows.values() if row.study_id.startswith("notes-"))
        assert nameless.patient_id == nameless.encounter_id == nameless.study_id


def test_a_manifest_withdraws_but_never_grants_again(tmp_path: Path) -> None:
    def take_in(study_id: str, consent: str) -> bool:
        row = f",text,{study_id},p1,effusion,{consent}\n"
        (tmp_path / "manifest.csv").write_text(f"file,modality,study_id,patient_id,report,consent\n{row}")
        assert run([*ingest(tmp_path, tmp_path / "ws"), "--ids", "keep"]) == 0
        with open_workspace(tmp_path / "ws") as place:
            return place.consent("p1", actor=single_user())

    assert take_in("t1", "yes")
    assert not take_in("t2", "training")
    assert not take_in("t3", "yes")
    with open_workspace(tmp_path / "ws") as place:
        place.set_consent("p1", True, actor=single_user())
    assert take_in("t4", "")


def test_one_id_in_two_cohorts_is_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "manifest.csv").write_text("file,modality,study_id,report\n,text,t1,effusion\n")
    assert run(ingest(tmp_path, tmp_path / "ws", "first")) == 0
    assert run(ingest(tmp_path, tmp_path / "ws", "second")) == 0
    assert "taken by cohort first" in capsys.readouterr().out


def test_mimic_is_taken_in_from_its_own_folders_with_its_pairs(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    mimic_cxr(tmp_path / "mimic" / "mimic-cxr-jpg")
    mimic_ecg(tmp_path / "mimic" / "mimic-iv-ecg")
    mimic_iv(tmp_path / "mimic" / "mimiciv")
    next(tmp_path.rglob("2a2277a9.jpg")).unlink()
    assert run(ingest(tmp_path / "mimic", tmp_path / "ws", "MIMIC")) == 0
    told = capsys.readouterr().out
    assert told.startswith("5 ingested, 0 already there, 1 skipped")
    assert "2a2277a9.jpg is not in s53189527" in told
    with open_workspace(tmp_path / "ws") as place:
        film, ecg = (
            place.row("mimic-02aa804e", actor=single_user()),
            place.row("mimic-ecg-40689238", actor=single_user()),
        )
        assert film.encounter_id == ecg.encounter_id == "mimic-hadm-22595853"
        assert film.extra["pair"] == ecg.extra["pair"] == "mimic-ecg-40689238"
        assert (film.labels, film.view, film.sex, film.age) == (("Pleural Effusion",), "PA", "F", 52.0)
        assert film.report == "Small effusion. As above."
        assert film.acquired_at == "2180-05-06T21:30:14"
        assert (film.extra["split"], film.extra["uncertain"]) == ("train", "Edema")
        assert film.licence.startswith("PhysioNet Credentialed")
        assert "Johnson" in film.attribution
        assert {one.modality for one in place.siblings(film.encounter_id, actor=single_user())} == {"cxr", "ecg"}
    mimic_cxr(tmp_path / "mimic" / "mimic-cxr-jpg")
    assert run(ingest(tmp_path / "mimic", tmp_path / "ws", "MIMIC")) == 0
    assert capsys.readouterr().out.startswith("1 ingested, 5 already there, 0 skipped")


def test_ptbxl_is_taken_in_whole_or_by_split(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ingest(ptbxl(tmp_path / "ptb-xl", fast=True), tmp_path / "ws", "PTB-XL")
    assert run([*words, "--split", "test"]) == 0
    assert capsys.readouterr().out.startswith("1 ingested")
    assert run(words) == 0
    assert capsys.readouterr().out.startswith("2 ingested, 1 already there")
    with open_workspace(tmp_path / "ws") as place:
        row = place.row("ptbxl_00002", actor=single_user())
        assert row.labels == ("inferior myocardial infarction", "left ventricular hypertrophy", "sinus rhythm")
        assert (row.extra["split"], row.extra["superclass"]) == ("valid", "HYP;MI")


def test_a_data_sets_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (ptbxl(tmp_path / "ptb-xl") / "scp_statements.csv").unlink()
    assert run(ingest(tmp_path / "ptb-xl", tmp_path / "ws")) == 2
    assert "The folder ptb-xl has no scp_statements.csv" in capsys.readouterr().err
    again = (4, "15709.0", 57.0, 1, "{'NORM': 100.0}", 10)
    assert run(ingest(ptbxl(tmp_path / "leak", (*RECORDS, again)), tmp_path / "ws")) == 2
    assert "1 patient is in more than one split, such as ptbxl:15709" in capsys.readouterr().err
    (tmp_path / "none").mkdir()
    assert run(ingest(tmp_path / "none", tmp_path / "ws")) == 2
    assert "The folder none holds no manifest.csv and has the layout of no known data" in capsys.readouterr().err


def test_prepare_takes_several_folders_and_keeps_the_pairs(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folders = [mimic_cxr(tmp_path / "a"), mimic_ecg(tmp_path / "b"), mimic_iv(tmp_path / "c"), ptbxl(tmp_path / "d")]
    next(tmp_path.rglob("2a2277a9.jpg")).unlink()
    named = [word for folder in folders for word in ("--recordings", str(folder))]
    assert run(["train", "prepare", *named, "--cache", str(tmp_path / "cache")]) == 0
    films, ecgs, ppgs = (load(tmp_path / "cache", modality) for modality in ("cxr", "ecg", "ppg"))
    assert [(row.study_id, row.pair, row.split) for row in films.rows] == [
        ("mimic-02aa804e", "mimic-ecg-40689238#0", "train"),
        ("mimic-68b5c4b1", "mimic-ecg-40000001#0", "test"),
    ]
    assert {row.pair for row in films.rows} <= {row.pair for row in ecgs.rows}
    assert (films.inputs["x"].shape, ecgs.inputs["x"].shape, ppgs.rows) == ((2, 224, 224), (6, 12, 1000), [])
    first = films.rows[0]
    assert (first.findings, first.age, first.sex, first.report) == (
        "pleural_effusion",
        "52.0",
        "F",
        "Small effusion. As above.",
    )
    assert load_captions(tmp_path / "cache").of_study[first.study_id] >= 0
    assert "2a2277a9.jpg" in (tmp_path / "cache" / "skipped.csv").read_text()
    assert '"skipped": 1' in capsys.readouterr().out


def open_layout(folder: Path) -> Path:
    """Write a folder in the layout of the open recordings with one film, of a data set that nobody registered."""
    from PIL import Image

    columns = "file,dataset,patient_id,study_id,split,view,age,sex,labels,labels_how,report,licence,source\n"
    row = "a.png,ward-9,p1,film-1,test,PA,50,F,Edema,two readers,,CC0 1.0,example/ward-9\n"
    for name, text in (("cxr", columns + row), ("ecg", "record_id,dataset\n"), ("ppg", "record_id,dataset\n")):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.csv").write_text(text, encoding="utf-8")
    Image.new("L", (300, 300), 90).save(folder / "cxr" / "a.png")
    return folder


def test_a_data_set_that_nobody_registered_is_taken_by_its_own_columns(tmp_path: Path) -> None:
    (entry,) = entries_of(open_layout(tmp_path / "open"), "test")
    assert entry.facts["attribution"] == (
        "ward-9; as its table states: CC0 1.0, from example/ward-9, since Casebind has no attribution of its own for it"
    )
    assert (entry.facts["licence"], entry.facts["label_source"]) == ("CC0 1.0", "two readers")
    assert (entry.facts["labels"], entry.extra["dataset"]) == (["Edema"], "ward-9")
    assert entry.load(b"").modality == "cxr"


def test_the_open_recordings_folder_is_known(recordings: Path) -> None:
    entries = entries_of(recordings, "test")
    for fact in ("label_source", "licence", "attribution"):
        assert all(entry.facts[fact] for entry in entries), fact
    assert len({entry.extra["dataset"] for entry in entries}) > 10
    film, ecg = entries[0].load(b""), next(one for one in entries if one.study_id.startswith("ptbxl")).load(b"")
    assert (film.modality, ecg.modality) == ("cxr", "ecg")
    assert len(film.fingerprint) == len(ecg.fingerprint) == 64
    assert ecg.fingerprint != film.fingerprint


def write_dicom(file: Path, picture: Path, patient: str) -> Path:
    """Wrap a shipped synthetic film as a DICOM file of a patient."""
    import numpy as np
    import pydicom
    from PIL import Image
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    pixels = np.asarray(Image.open(picture).convert("L"))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    film = pydicom.Dataset()
    film.file_meta = meta
    film.SOPClassUID, film.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    film.StudyInstanceUID, film.SeriesInstanceUID = generate_uid(), generate_uid()
    film.PatientID, film.PatientName, film.Modality, film.BodyPartExamined = patient, "Doe^Jane", "DX", "CHEST"
    film.PhotometricInterpretation, film.SamplesPerPixel, film.ViewPosition = "MONOCHROME2", 1, "PA"
    film.Rows, film.Columns = pixels.shape
    film.BitsAllocated = film.BitsStored = 8
    film.HighBit, film.PixelRepresentation = 7, 0
    film.PixelData = pixels.tobytes()
    film.save_as(file, enforce_file_format=True)
    return file


def test_the_files_own_identifier_keeps_a_patient_from_herself(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    every = sorted((settings.DEMO / "cxr").iterdir())
    pictures = list(islice((file for file in every if judge(read_paths([file])).accepted), 3))
    write_dicom(tmp_path / "first.dcm", pictures[0], "MRN 4711")
    write_dicom(tmp_path / "second.dcm", pictures[1], "MRN 4711")
    write_dicom(tmp_path / "other.dcm", pictures[2], "MRN 4712")
    (tmp_path / "manifest.csv").write_text("file,modality,study_id\nfirst.dcm,cxr,film-1\n")
    assert run(ingest(tmp_path, tmp_path / "ws")) == 0
    assert "1 ingested" in capsys.readouterr().out
    with open_workspace(tmp_path / "ws") as place:
        patient_id = place.row("film-1", actor=single_user()).patient_id
        assert patient_id.startswith("p-")
        assert "4711" not in patient_id

    def neighbours(file: str) -> list[str]:
        words = ["search", str(tmp_path / file), "--into", "cxr", "--json", "--workspace", str(tmp_path / "ws")]
        assert run(words) == 0
        return [one["study_id"] for one in json.loads(capsys.readouterr().out)["neighbours"]]

    assert neighbours("second.dcm") == []
    assert neighbours("other.dcm") == ["film-1"]
