"""From the PACS on screen, against a real Orthanc: find, choose, search or keep; one sentence when it is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import failing_archives as failing
from helpers.archive_objects import ecg, pacs_file
from helpers.orthanc import PASSWORD, URL, USER, Orthanc, needs_orthanc, orthanc
from helpers.screens import fine, held_by_the_app, new_screen, opened, try_press, words
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.hospital.archive import DicomWebArchive
from engine.hospital.inbox import count_waiting
from engine.hospital.settings import ArchiveSettings
from engine.strings import several, text
from engine.workspace.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        recording = ecg(3)
        settings = ArchiveSettings(URL, USER, str(running.password_file))
        DicomWebArchive(settings, in_job=True).store(str(recording.StudyInstanceUID), [recording])
        yield running


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    open_workspace(tmp_path, create=True).close()
    with held_by_the_app(tmp_path, monkeypatch) as here:
        yield here


def found(place: Workspace, url: str, password_file: object, **asked: str) -> AppTest:
    """Open the page and press find."""
    pacs_file(place.path, f'[pacs]\nurl = "{url}"\nuser = "{USER}"\npassword_file = "{password_file}"\n')
    app = opened(new_screen().run(), "pacs")
    for name, value in asked.items():
        app.text_input(key=f"pacs-{name}").set_value(value)
    (find,) = (one for one in app.button if one.label == text("pacs.find"))
    return fine(find.click().run())


@needs_orthanc
def test_a_study_is_found_and_kept_or_searched_with(place: Workspace, server: Orthanc):
    app = found(place, URL, server.password_file, accession="ACC00003")
    assert several(1, "pacs.found") in words(app), [one.value for one in app.error]
    (line,) = app.radio(key="pacs-study").options
    assert line.replace("\\", "") == "2023-05-04 · ECG · ACC00003 · H00003"
    try_press(app, "pacs-keep")
    assert [one.value for one in app.success] == [several(1, "pacs.fetched")]
    rows = [row.about for row in place.audit_rows() if row.kind == "archive fetched"]
    assert [row["objects"] for row in rows] == [1]
    app.button(key="pacs-search-1").click().run()
    fine(app)
    asked = [row for row in place.audit_rows() if row.kind == "search"]
    query = place.query(str(asked[0].query_id), actor=single_user())
    assert query is not None and query.study.modality == "ecg" and "Muster" not in str(query.study)
    assert several(0, "pacs.found") not in words(found(place, URL, server.password_file, accession="ACC00009"))


@needs_orthanc
def test_a_study_that_is_listed_and_not_given_is_one_sentence(place: Workspace, server: Orthanc):
    def meanwhile(path: str) -> failing.Behaviour | None:
        return failing.refusing(503) if "/instances/" in path else None

    with failing.archive(failing.in_front_of(URL, (USER, PASSWORD), meanwhile)) as url:
        app = found(place, url, server.password_file, accession="ACC00003")
        for key in ("pacs-search-1", "pacs-keep"):
            said = [one.value for one in try_press(app, key).error]
            assert said == ["The archive cannot answer now (status 503): try again later."]
    assert count_waiting(place.path) == 0


def test_an_archive_that_is_away_is_one_sentence(place: Workspace, tmp_path: Path):
    password = tmp_path / "password"
    password.write_text("x\n")
    app = found(place, "http://127.0.0.1:9/dicom-web", password, patient="H00003")
    assert [one.value for one in app.error] == [
        "The archive does not answer at its address: try again later, or have pacs.toml checked."
    ]
    assert count_waiting(place.path) == 0
