"""Sending to the PACS from the export dialog, into a real Orthanc; where it is away, one sentence."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from helpers.archive_objects import pacs_file
from helpers.orthanc import URL, USER, Orthanc, needs_orthanc
from helpers.screens import asked, fine, keys, opened, said_no_error, try_press, words
from streamlit.testing.v1 import AppTest

from engine.hospital.archive import DicomWebArchive, WantedStudies
from engine.hospital.sending import SendJob
from engine.hospital.settings import ArchiveSettings
from engine.strings import several, text
from engine.workspace.workspace import Workspace
from pages.shared import send_back

AWAY = "The archive does not answer at its address: try again later, or have pacs.toml checked."


def named(folder: Path, url: str, password_file: object = "") -> None:
    pacs_file(folder, f'[pacs]\nurl = "{url}"\nuser = "{USER}"\npassword_file = "{password_file}"\n')


def dialog_of_the_film(app: AppTest, place: Workspace) -> AppTest:
    """Take the film of the first study as the query, and open the dialog over its results."""
    screen = opened(app, "pacs")
    screen.text_input(key="pacs-accession").set_value("ACC00001")
    find_ = next(one for one in screen.button if one.label == text("pacs.find"))
    fine(find_.click().run())
    screen.button(key="pacs-search-1").click().run()
    query = next(row for row in place.audit_rows() if row.kind == "search").query_id
    fine(opened(screen, "search", query=query))
    return said_no_error(screen.button(key="export").click().run())


def find(screen: AppTest, number: str | None = None) -> AppTest:
    if number is not None:
        screen.text_input(key="send-accession").set_value(number)
    return fine(next(one for one in screen.button if one.label == text("send.find")).click().run())


def ended(screen: AppTest) -> AppTest:
    """Wait for the end of the sending, and return what stands in the dialog then."""
    job = screen.session_state[send_back.JOB][1]
    assert isinstance(job, SendJob) and job.wait(120)
    return fine(screen.run())


@needs_orthanc
def test_the_study_of_the_query_is_found_and_confirmed_and_holds_the_objects_then(
    app: AppTest, place: Workspace, folder: Path, server: Orthanc
) -> None:
    named(folder, URL, server.password_file)
    screen = dialog_of_the_film(app, place)
    assert screen.text_input(key="send-accession").value == "ACC00001" and "send-confirm" not in keys(screen)
    find(screen)
    (line,) = screen.radio(key="send-study").options
    assert "ACC00001" in line and "H00001" in line
    try_press(screen, "send-confirm")
    assert [one.value for one in ended(screen).success] == [several(3, "send.sent")]
    archive = DicomWebArchive(ArchiveSettings(URL, USER, str(server.password_file)), in_job=True)
    (study,) = archive.find(WantedStudies(accession="ACC00001"))
    assert {one.modality for one in archive.objects(study.uid, ("KO", "OT"))} == {"KO", "OT"}
    kinds = [row.kind for row in place.audit_rows()]
    assert kinds.count("sent to the archive") == 1 and kinds.count("export") >= 1
    find(screen, "ACC00002")
    try_press(screen, "send-confirm")
    assert "does not hold the film" in ended(screen).error[0].value
    find(screen, "ACC00009")
    assert text("pacs.nothing") in words(screen) and "send-confirm" not in keys(screen)


@needs_orthanc
def test_an_archive_that_falls_silent_after_the_study_was_found_ends_in_one_sentence(
    app: AppTest, place: Workspace, folder: Path, server: Orthanc
) -> None:
    named(folder, URL, server.password_file)
    screen = find(dialog_of_the_film(app, place), "ACC00001")
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        try_press(screen, "send-confirm")
        (said,) = ended(screen).error
        assert said.value.startswith("The archive ")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert "send-confirm" not in keys(screen) and not screen.success


def test_nothing_is_offered_without_an_archive_and_one_that_is_away_is_one_sentence(app: AppTest, folder: Path) -> None:
    (folder / "pacs.toml").unlink(missing_ok=True)
    screen = said_no_error(asked(app, "syn-0001-e1-cxr").button(key="export").click().run())
    assert text("send.title") not in words(screen)
    named(folder, "http://127.0.0.1:9/dicom-web")
    (folder / "password").write_text("x\n")
    named(folder, "http://127.0.0.1:9/dicom-web", folder / "password")
    fine(screen.run())
    assert text("send.title") in words(screen)
    assert [one.value for one in find(screen, "ACC00001").error] == [AWAY]
