"""An archive without DICOMweb: Orthanc and dcmtk by C-FIND, C-GET and C-STORE, Orthanc by C-MOVE to the listener."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from helpers.archive_objects import beside, chest_film, ecg, pacs_file
from helpers.archive_processes import settings_at
from helpers.dimse_peers import dcmqrscp
from helpers.orthanc import DICOM, Orthanc, needs_orthanc
from helpers.recording_files import as_bytes
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import UID

from engine.actor import single_user
from engine.cli import run
from engine.hospital import fetching
from engine.hospital.archive import WantedStudies
from engine.hospital.classes import SENT
from engine.hospital.dimse import DimseArchive
from engine.hospital.listener import Listener
from engine.hospital.sending import SendJob
from engine.hospital.settings import ArchiveSettings, DimseSettings, Sender, archive_settings
from engine.hospital.take_up import take_up
from engine.hospital.way import open_archive
from engine.intake.limited import read_limited
from engine.intake.upload import Upload
from engine.model.release import Release
from engine.retrieval.search import Options, search
from engine.strings import text
from engine.workspace.annotations import save_annotations
from engine.workspace.workspace import Workspace, open_workspace

pytestmark = needs_orthanc
ME = single_user()
PEER = DimseSettings("PACS", "127.0.0.1", DICOM)
WORDS = f'[pacs.dimse]\ntitle = "PACS"\nhost = "127.0.0.1"\nport = {DICOM}\n'
FIRST = WantedStudies(accession="ACC00001")


@pytest.fixture
def place(tmp_path: Path, server: Orthanc) -> Iterator[Workspace]:
    with open_workspace(tmp_path / "ws", create=True) as made:
        pacs_file(made.path, WORDS)
        yield made


def test_a_study_is_found_by_each_key_and_what_is_fetched_is_what_lies_there(place: Workspace):
    (found,) = fetching.find(place, FIRST, actor=ME)
    assert (found.patient, found.date, set(found.modalities)) == ("H00001", "20230504", {"CR", "ECG", "SR"})
    (second,) = fetching.find(place, WantedStudies(patient="H00002", modalities=("ECG",)), actor=ME)
    assert second.accession == "ACC00002"
    assert fetching.find(place, WantedStudies(patient="H00002", modalities=("MR",)), actor=ME) == []
    assert fetching.find(place, WantedStudies(accession="ACC99999"), actor=ME) == []
    objects = fetching.objects(place, found, actor=ME)
    assert [one.modality for one in objects] == ["CR", "ECG"]
    for one, sent in zip(objects, (chest_film(1), ecg(1)), strict=True):
        upload = fetching.as_upload(place, one, actor=ME)
        expected = read_limited([Upload("object.dcm", as_bytes(sent))], key=place.key)
        assert read_limited([upload], key=place.key).fingerprint == expected.fingerprint
        assert dcmread(BytesIO(upload.data)).file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    acts = [row for row in place.audit_rows() if row.kind.startswith("archive")]
    assert len(acts) == 6 and "ACC00001" not in json.dumps([dict(row.about) for row in acts])


def test_a_long_answer_is_cancelled_at_its_limit_and_a_job_takes_all(place: Workspace):
    days = WantedStudies(since="20230501", until="20230531")
    assert len(DimseArchive(ArchiveSettings(dimse=PEER), PEER).find(days, limit=1)) == 1
    assert len(DimseArchive(ArchiveSettings(dimse=PEER), PEER, in_job=True).find(days, limit=1)) == 2


def test_a_job_goes_on_where_it_was(place: Workspace, release: Release, tmp_path: Path, capsys):
    worklist = tmp_path / "worklist.txt"
    worklist.write_text("ACC00001\nACC00002\n")
    at = ["--workspace", str(place.path), "--worklist", str(worklist), "--no-take-up"]
    assert run(["pacs", "get", *at]) == 0 and "4 fetched, 0 came before" in capsys.readouterr().out
    assert run(["pacs", "get", *at]) == 0 and "0 fetched, 4 came before" in capsys.readouterr().out
    assert take_up(place, release).states == {"stored": 4}
    assert run(["pacs", "find", "--accession", "ACC00001", "--workspace", str(place.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["patient"] == "H00001"


def test_what_was_found_and_drawn_goes_back_and_is_found_there_again(
    workspace: Workspace, release: Release, server: Orthanc, tmp_path: Path
):
    pacs_file(workspace.path, WORDS)
    (study,) = fetching.find(workspace, FIRST, actor=ME)
    film = fetching.objects(workspace, study, actor=ME)[0]
    upload = fetching.as_upload(workspace, film, actor=ME)
    answer = search(workspace, release, read_limited([upload], key=workspace.key), Options(), actor=ME)
    drawn = [
        {"kind": "ruler", "points": [[40, 50], [200, 50]]},
        {"kind": "region", "shape": "ellipse", "points": [[10, 20], [110, 90]], "text": "Größe"},
        {"kind": "arrow", "points": [[0, 5], [500, 5]]},
    ]
    save_annotations(workspace, answer.query_id, drawn, actor=ME)
    job = SendJob(study)
    job.begin(workspace, answer, (), actor=ME)
    assert job.wait(120) and job.error == "" and job.sent is not None
    assert set(job.sent.objects) == {UID(one).name for one in SENT}
    archive = open_archive(archive_settings(workspace.path), in_job=True)
    listed = archive.objects(study.uid, ("KO", "OT", "PR"))
    assert [one.modality for one in listed] == ["KO", "OT", "PR"]
    found = dcmread(BytesIO(archive.fetch(listed[2])))
    assert any("Größe" in one.UnformattedTextValue for one in found.GraphicAnnotationSequence[0].TextObjectSequence)
    assert checked_by_dcmtk(found, tmp_path)
    (layer,), (annotation,) = found.GraphicLayerSequence, found.GraphicAnnotationSequence
    assert layer.GraphicLayer == annotation.GraphicLayer == "CASEBIND"
    assert text("notice.short") in layer.GraphicLayerDescription and text("notice.short") in found.SeriesDescription
    assert found.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID == film.uid
    assert list(annotation.GraphicObjectSequence[0].GraphicData) == [40, 50, 200, 50]
    assert (found.PatientID, found.PresentationLUTShape) == ("H00001", "IDENTITY")


def checked_by_dcmtk(state: FileDataset, folder: Path) -> bool:
    """Say whether dcmtk finds no fault in a presentation state; its words are made plain, as it checks no UTF-8."""
    plain = FileDataset("state.dcm", state, file_meta=state.file_meta, preamble=b"\0" * 128)
    for one in plain.GraphicAnnotationSequence[0].TextObjectSequence:
        one.UnformattedTextValue = "plain"
    plain.save_as(folder / "state.dcm", enforce_file_format=True)
    checked = subprocess.run(["dcmpschk", str(folder / "state.dcm")], capture_output=True, text=True, timeout=120)
    assert "Test passed" in checked.stderr, checked.stderr
    return True


def test_a_move_to_the_listener_brings_the_whole_study_and_sets_aside_what_accompanies(
    place: Workspace, release: Release
):
    (study,) = fetching.find(place, FIRST, actor=ME)
    listener = Listener(place.path, settings_at(11112, senders=(Sender("PACS"),)))
    try:
        done = subprocess.run(
            ["movescu", "-S", "-aet", "CASEBIND", "-aem", "CASEBIND", "-aec", "PACS", "127.0.0.1", str(DICOM)]
            + ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study.uid}"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    finally:
        listener.close()
    taken = take_up(place, release).states
    assert taken["stored"] == 2 and taken["set aside"] >= 1 and set(taken) == {"stored", "set aside"}


def test_dcmtk_is_asked_and_stored_into_in_latin_and_in_unicode(tmp_path: Path, server: Orthanc):
    with dcmqrscp(tmp_path) as peer:
        archive = DimseArchive(ArchiveSettings(dimse=peer), peer, in_job=True)
        for number, charset in ((1, "ISO_IR 100"), (2, "ISO_IR 192")):
            made = [chest_film(number), ecg(number), beside(number)]
            for one in made:
                one.SpecificCharacterSet, one.StudyDescription = charset, "Größe: Thorax"
            archive.store(str(made[0].StudyInstanceUID), made)
            (found,) = archive.find(WantedStudies(accession=f"ACC0000{number}"))
            assert (found.description, found.patient) == ("Größe: Thorax", f"H0000{number}")
            film, recording = archive.objects(found.uid, ("CR", "ECG"))
            assert dcmread(BytesIO(archive.fetch(film))).PixelData == made[0].PixelData
            assert dcmread(BytesIO(archive.fetch(recording))).WaveformSequence == made[1].WaveformSequence
        assert archive.find(WantedStudies(patient="Größe")) == []
