"""Against a real Orthanc: found, fetched, sent, stored; and one sentence where it is away, slow or refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
import requests
from helpers.archive_objects import chest_film, ecg, pacs_file, wait_until
from helpers.archive_processes import settings_at
from helpers.orthanc import DICOM, HTTP, PASSWORD, URL, USER, Orthanc, needs_orthanc
from helpers.recording_files import as_bytes
from pydicom import dcmread

from engine.actor import Actor, single_user
from engine.cli import run
from engine.errors import NotPermittedError, UsageError
from engine.hospital import fetching
from engine.hospital.archive import AbsentError, DicomWebArchive, FoundStudy, WantedStudies
from engine.hospital.fetching import FetchJob
from engine.hospital.inbox import Inbox
from engine.hospital.listener import Listener
from engine.hospital.sending import send_back
from engine.hospital.settings import ArchiveSettings, Sender, archive_settings
from engine.hospital.take_up import take_up
from engine.intake.limited import read_limited
from engine.model.release import Release
from engine.retrieval.search import Options, search
from engine.strings import text
from engine.study import Study
from engine.workspace.workspace import Workspace, open_workspace

pytestmark = needs_orthanc
ME = single_user()


@pytest.fixture
def place(tmp_path: Path, server: Orthanc) -> Iterator[Workspace]:
    with open_workspace(tmp_path / "ws", create=True) as made:
        pacs_file(made.path, f'[pacs]\nurl = "{URL}"\nuser = "{USER}"\npassword_file = "{server.password_file}"\n')
        yield made


def only(found: list[FoundStudy]) -> FoundStudy:
    (one,) = found
    return one


def test_a_study_is_found_by_its_number_and_its_film_is_the_query_without_a_name(place: Workspace):
    found = only(fetching.find(place, WantedStudies(accession="ACC00001"), actor=ME))
    assert (found.patient, found.date, set(found.modalities)) == ("H00001", "20230504", {"CR", "ECG", "SR"})
    assert (
        only(fetching.find(place, WantedStudies(patient="H00002", modalities=("ECG",)), actor=ME)).accession
        == "ACC00002"
    )
    assert len(fetching.find(place, WantedStudies(since="20230501", until="20230531"), actor=ME)) == 2
    assert fetching.find(place, WantedStudies(accession="ACC99999"), actor=ME) == []
    objects = fetching.objects(place, found, actor=ME)
    assert [one.modality for one in objects] == ["CR", "ECG"]
    film, recording = (_read(place, one) for one in objects)
    assert film.film.pixels.shape == read_limited([_upload(chest_film(1))], key=place.key).film.pixels.shape
    assert recording.fingerprint == read_limited([_upload(ecg(1))], key=place.key).fingerprint
    acts = [row for row in place.audit_rows() if row.kind.startswith("archive")]
    assert len(acts) == 6 and "ACC00001" not in json.dumps([dict(row.about) for row in acts])


def _read(place: Workspace, one: fetching.FoundObject) -> Study:
    return read_limited([fetching.as_upload(place, one, actor=ME)], key=place.key)


def _upload(one: object) -> fetching.Upload:
    return fetching.Upload("object.dcm", as_bytes(one))  # type: ignore[arg-type]


def test_a_job_by_worklist_goes_on_where_it_was_and_nothing_comes_twice(
    place: Workspace, release: Release, tmp_path: Path, capsys
):
    worklist = tmp_path / "worklist.txt"
    worklist.write_text("# two of Tuesday\nACC00001\nACC00002\n")
    at = ["--workspace", str(place.path), "--worklist", str(worklist), "--cohort", "Tuesday", "--no-take-up"]
    assert run(["pacs", "get", *at]) == 0 and "4 fetched, 0 came before" in capsys.readouterr().out
    assert run(["pacs", "get", *at]) == 0 and "0 fetched, 4 came before" in capsys.readouterr().out
    assert take_up(place, release).states == {"stored": 4}
    rows = place.all_rows()
    assert {row.cohort for row in rows} == {"Tuesday"} and len({row.patient_id for row in rows}) == 2
    assert len({row.encounter_id for row in rows}) == 2
    assert run(["pacs", "find", "--accession", "ACC00001", "--workspace", str(place.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["patient"] == "H00001"
    worklist.write_text("accession;date\n1;2\n")
    assert run(["pacs", "find", "--workspace", str(place.path)]) == 2
    assert "Nothing is named" in capsys.readouterr().err


def test_orthanc_sends_a_whole_study_and_gets_its_commitment(place: Workspace, release: Release):
    settings = settings_at(11112, senders=(Sender("PACS", "127.0.0.1", DICOM),))
    listener = Listener(place.path, settings)
    try:
        auth = (USER, PASSWORD)
        rest = f"http://127.0.0.1:{HTTP}"
        assert requests.post(f"{rest}/modalities/casebind/echo", auth=auth, data="{}", timeout=60).ok
        (study,) = requests.post(
            f"{rest}/tools/find", auth=auth, json={"Level": "Study", "Query": {"PatientID": "H00001"}}, timeout=60
        ).json()
        asked = {"Resources": [study], "StorageCommitment": True, "Synchronous": True}
        sent = requests.post(f"{rest}/modalities/casebind/store", auth=auth, json=asked, timeout=120)
        assert sent.ok and sent.json()["FailedInstancesCount"] == 0, sent.text
        with Inbox(place.path) as inbox:
            assert len(inbox.waiting()) == 3 and set(inbox.received.lasts()) == {"echo", "object"}
            wait_until(lambda: inbox.received.owed() == [])
    finally:
        listener.close()
    assert take_up(place, release).states == {"stored": 2, "set aside": 1}


def test_whom_the_archive_is_not_may_not_ask_it(place: Workspace):
    stranger = Actor("lea", roles=("learner",), signed_in=True)
    with pytest.raises(NotPermittedError):
        fetching.find(place, WantedStudies(accession="ACC00001"), actor=stranger)


def test_each_failure_is_one_sentence(place: Workspace, server: Orthanc, tmp_path: Path):
    def says(settings: ArchiveSettings, wanted: WantedStudies = WantedStudies(accession="ACC00001")) -> str:  # noqa: B008 (frozen)
        with pytest.raises(UsageError) as said:
            DicomWebArchive(settings).find(wanted)
        return str(said.value)

    good = archive_settings(place.path)
    wrong = tmp_path / "wrong"
    wrong.write_text("another\n")
    assert "does not answer" in says(ArchiveSettings("http://127.0.0.1:9/dicom-web"))
    assert "refuses our name or password" in says(ArchiveSettings(URL, USER, str(wrong)))
    assert "password file" in says(ArchiveSettings(URL, USER, str(tmp_path / "none")))
    assert "wildcard" in says(good, WantedStudies(patient="H*"))
    assert "Nothing is named" in says(good, WantedStudies())
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        assert "does not answer" in says(ArchiveSettings(f"http://127.0.0.1:{silent.getsockname()[1]}/dicom-web"))
    with socket.create_server(("127.0.0.1", 0)) as trickling:
        ended = threading.Event()
        thread = threading.Thread(target=_trickle, args=(trickling, ended))
        thread.start()
        assert "slow" in says(ArchiveSettings(f"http://127.0.0.1:{trickling.getsockname()[1]}/dicom-web"))
        ended.set()
        thread.join()


def _trickle(server: socket.socket, ended: threading.Event) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nContent-Length: 9999\r\n\r\n[")
        while not ended.wait(0.2):
            connection.sendall(b" ")


def test_a_job_waits_for_an_archive_that_is_away_and_for_the_end_of_the_quiet_time(place: Workspace, server: Orthanc):
    settings = ArchiveSettings(URL, USER, str(server.password_file), quiet="00:00-12:00", per_minute=6000)
    heard: list[str] = []
    hours = iter([datetime(2025, 1, 7, 11)] * 3 + [datetime(2025, 1, 7, 13)] * 1000)
    os.kill(server.process.pid, signal.SIGSTOP)

    def on_progress(words: str) -> None:
        heard.append(words)
        if "slow" in words or "does not answer" in words:
            os.kill(server.process.pid, signal.SIGCONT)

    job = FetchJob(place.path, settings, DicomWebArchive(settings), on_progress=on_progress, now=lambda: next(hours))
    try:
        done = job.run([WantedStudies(accession="ACC00001")], ME)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert done.fetched == 2 and done.failed == []
    assert "quiet time" in heard[0] and any("slow" in one or "not answer" in one for one in heard)


def test_a_cut_answer_is_no_object(place: Workspace):
    found = only(fetching.find(place, WantedStudies(accession="ACC00001"), actor=ME))
    one = fetching.objects(place, found, actor=ME)[0]
    with socket.create_server(("127.0.0.1", 0)) as half:
        thread = threading.Thread(target=_half, args=(half,))
        thread.start()
        with pytest.raises(AbsentError):
            DicomWebArchive(ArchiveSettings(f"http://127.0.0.1:{half.getsockname()[1]}")).fetch(one)
        thread.join()


def _half(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(
            b'HTTP/1.1 200 OK\r\nContent-Type: multipart/related; type="application/dicom"; boundary=xx\r\n'
            b"Connection: close\r\n\r\n--xx\r\nContent-Type: application/dicom\r\n\r\nDICM half of it"
        )


def test_what_was_found_goes_back_into_the_very_study_and_is_found_there_again(
    workspace: Workspace, release: Release, server: Orthanc, capsys
):
    words = f'[pacs]\nurl = "{URL}"\nuser = "{USER}"\npassword_file = "{server.password_file}"\n'
    pacs_file(workspace.path, words)
    own, other = WantedStudies(accession="ACC00001"), WantedStudies(accession="ACC00002")
    study = only(fetching.find(workspace, own, actor=ME))
    film = fetching.objects(workspace, study, actor=ME)[0]
    answer = search(workspace, release, _read(workspace, film), Options(), actor=ME)
    with pytest.raises(UsageError, match="does not hold the film"):
        send_back(workspace, answer, other, actor=ME)
    done = send_back(workspace, answer, own, actor=ME)
    assert done.objects == ("Comprehensive SR Storage", "Key Object Selection Document Storage") + done.objects[2:]
    assert done.objects[2] == "Secondary Capture Image Storage" and done.cases == len(answer.neighbours)
    archive = DicomWebArchive(archive_settings(workspace.path), in_job=True)
    back = {}
    for one in archive.objects(study.uid, ("SR", "KO", "OT")):
        found = dcmread(BytesIO(archive.fetch(one)))
        if found.get("Manufacturer") == "Casebind":
            back[one.modality] = found
    assert set(back) == {"SR", "KO", "OT"} and len({str(one.SeriesInstanceUID) for one in back.values()}) == 3
    for one in back.values():
        assert (one.PatientID, one.AccessionNumber, str(one.PatientName)) == ("H00001", "ACC00001", "Muster^Nummer1")
        assert text("notice.short") in one.SeriesDescription and one.SpecificCharacterSet == "ISO_IR 192"
    (named,) = back["KO"].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert named.ReferencedSOPInstanceUID == film.uid
    assert answer.neighbours[0].study_id in back["SR"].to_json()
    acts = [row for row in workspace.audit_rows() if row.kind == "sent to the archive"]
    assert [row.query_id for row in acts] == [answer.query_id]
    at = ["--accession", "ACC00001", "--case", answer.neighbours[0].study_id, "--workspace", str(workspace.path)]
    assert run(["pacs", "send", answer.query_id, *at]) == 0
    assert "Sent and found again" in capsys.readouterr().out
    assert len(archive.objects(study.uid, ("KO", "OT"))) == 4  # the first and the second, in the same series
