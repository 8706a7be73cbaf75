"""The whole story on a served archive, by the commands of docs/simulated-archive.md.

Films, ECGs and reports are fetched and joined, adapted to, promoted, searched with, sent back and found again.
"""

from __future__ import annotations

import json
import re
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from helpers.once import Once
from helpers.served import needs_archive
from helpers.shipped import SHIPPED
from helpers.visits import visits
from pydicom import dcmread

from engine.actor import single_user
from engine.cli import run
from engine.hospital.archive import DicomWebArchive, WantedStudies
from engine.hospital.settings import archive_settings
from engine.intake.limited import read_limited
from engine.intake.upload import Upload
from engine.model.release import Release
from engine.store.records import StudyRow
from engine.strings import text
from engine.synthetic.served import Served
from engine.workspace.annotations import save_annotations
from engine.workspace.workspace import open_workspace

ME = single_user()
PAIRS = 200
BACK = {"SR", "KO", "OT", "PR"}


@pytest.fixture
def told(once: Once, release: Release, archive: Served, tmp_path: Path) -> Path:
    """A workspace with enough pairs to adapt, which works with the archive."""
    made = once.made("coupled-visits", lambda folder: visits(folder / "ws", release)) / "ws"
    shutil.copytree(made, tmp_path / "ws")
    shutil.copyfile(archive.folder / "pacs.toml", tmp_path / "ws" / "pacs.toml")
    return tmp_path / "ws"


def of_the_archive(folder: Path) -> list[StudyRow]:
    with open_workspace(folder) as place:
        return [row for row in place.all_rows() if row.cohort == "Archive"]


@needs_archive
def test_a_folder_with_settings_alone_becomes_a_workspace(archive: Served, tmp_path: Path, capsys):
    at = ["--workspace", str(tmp_path / "new")]
    assert run(["pacs", "find", "--patient", "sim-0001", *at]) == 2
    (tmp_path / "new").mkdir()
    shutil.copyfile(archive.folder / "pacs.toml", tmp_path / "new" / "pacs.toml")
    assert run(["pacs", "find", "--patient", "sim-0001", *at]) == 0
    said = capsys.readouterr()
    assert "A new workspace is made" in said.err and "studies." in said.out
    assert run(["inbox", "list", *at]) == 0


@needs_archive
def test_from_the_archive_to_what_is_found_again_in_it(told: Path, archive: Served, tmp_path: Path, capsys):
    at, objects = ["--workspace", str(told)], DicomWebArchive(archive_settings(told), in_job=True)
    assert run(["pacs", "get", "--worklist", str(archive.folder / "worklist.txt"), *at]) == 0
    assert run(["inbox", "add", str(archive.folder / "reports.hl7"), *at]) == 0
    assert run(["inbox", "run", *at]) == 0
    rows = of_the_archive(told)
    kinds = {one: sum(row.modality == one for row in rows) for one in ("cxr", "ecg", "text")}
    assert kinds["text"] == kinds["cxr"] > 0 and kinds["ecg"] > 0
    visited = {row.encounter_id for row in rows if row.modality == "cxr"}
    assert {row.encounter_id for row in rows if row.modality == "text"} == visited
    assert any(row.labels for row in rows if row.modality == "text")
    capsys.readouterr()
    assert run(["adapt", "--steps", "20", "--json", *at]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["pairs"] > PAIRS and made["release"] == f"{SHIPPED}.1"
    assert run(["releases", "promote", f"{SHIPPED}.1", "--despite", "a short fit, to try the way", *at]) == 0

    study = objects.find(WantedStudies(patient="sim-0001", modalities=("CR",)))[-1]
    film = objects.objects(study.uid, ("CR",))[0]
    (tmp_path / "film.dcm").write_bytes(objects.fetch(film))
    capsys.readouterr()
    assert run(["search", str(tmp_path / "film.dcm"), *at]) == 0
    said = capsys.readouterr().out
    assert f"Release {SHIPPED}.1" in said
    query = re.findall(r"Query (q-[0-9a-f]+)", said)[0]
    with open_workspace(told) as place:
        drawn = {"id": "r1", "kind": "ruler", "points": [[20, 30], [120, 30]], "text": "heart"}
        save_annotations(place, query, [drawn], actor=ME)
    assert run(["pacs", "send", query, "--accession", study.accession, *at]) == 0
    assert "Sent and found again" in capsys.readouterr().out

    back = {}
    for one in objects.objects(study.uid, tuple(BACK)):
        found = dcmread(BytesIO(objects.fetch(one)))
        if found.get("Manufacturer") == "Casebind":
            back[one.modality] = found
            assert (found.PatientID, found.AccessionNumber) == ("sim-0001", study.accession)
            assert text("notice.short") in found.SeriesDescription
    assert set(back) == BACK
    (named,) = back["KO"].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    over = back["PR"].ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID
    assert named.ReferencedSOPInstanceUID == over == film.uid
    assert f"{SHIPPED}.1" in back["SR"].to_json() and back["OT"].pixel_array.ndim == 3
    again = read_limited([Upload("film.dcm", objects.fetch(film))]).film.pixels
    np.testing.assert_array_equal(
        again, read_limited([Upload("a.dcm", (tmp_path / "film.dcm").read_bytes())]).film.pixels
    )
    assert run(["pacs", "get", "--worklist", str(archive.folder / "worklist.txt"), *at]) == 0
    assert f" {len(rows) - kinds['text']} came before" in capsys.readouterr().out
