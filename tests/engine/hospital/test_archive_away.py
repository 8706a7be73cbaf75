"""The archive away, slow, refusing, half a study: one sentence on pages and commands, and jobs go on by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from helpers import failing_archives as failing
from helpers.archive_objects import chest_film, pacs_file
from helpers.dimse_peers import peer
from helpers.orthanc import PASSWORD, URL, USER, Orthanc, needs_orthanc
from pydicom.dataset import Dataset
from pynetdicom import evt

from engine.actor import single_user
from engine.cli import run
from engine.errors import UsageError
from engine.hospital import fetching
from engine.hospital.archive import DicomWebArchive, FoundObject, FoundStudy, WantedStudies
from engine.hospital.dimse import DimseArchive
from engine.hospital.fetching import FetchedObjects, FetchJob
from engine.hospital.inbox import count_waiting
from engine.hospital.sending import SendJob
from engine.hospital.settings import ArchiveSettings, DimseSettings
from engine.intake.paths import read_paths
from engine.model.release import Release
from engine.retrieval.answer import Answer
from engine.retrieval.search import Options, search
from engine.settings import DEMO
from engine.workspace.workspace import Workspace, open_workspace

ME = single_user()
FILM = chest_film(1)
WANTED = WantedStudies(accession="ACC00001")
STUDY = FoundStudy(str(FILM.StudyInstanceUID), "20230504", "ACC00001", "H00001", ("CR",), "")
ONE = FoundObject(STUDY.uid, str(FILM.SeriesInstanceUID), str(FILM.SOPInstanceUID), str(FILM.SOPClassUID), "CR")
WAYS: dict[str, tuple[failing.Behaviour | str, str]] = {  # how the archive fails → the words that say so
    "away": (failing.ABSENT, "does not answer"),
    "silent": ("silent", "does not answer"),
    "slow": (failing.trickling, "slow"),
    "not ours": (failing.refusing(401), "name or password"),
    "forbidden": (failing.refusing(403), "name or password"),
    "refusing": (failing.refusing(400), "refuses the request"),
    "busy": (failing.refusing(503), "cannot answer now"),
    "broken off": (failing.half, "cannot be read"),
    "another server": (failing.foreign, "cannot be read"),
}


@pytest.fixture
def answer(workspace: Workspace, release: Release) -> Answer:
    """The answer to a film of the shipped cohort."""
    return search(workspace, release, read_paths([DEMO / "cxr" / "syn-0001-e1-cxr.jpg"]), Options(), actor=ME)


def at(stack: ExitStack, way: failing.Behaviour | str) -> str:
    """Run an archive that fails in a way, and return its address."""
    if isinstance(way, str):
        return stack.enter_context(failing.silent()) if way == "silent" else way
    return stack.enter_context(failing.archive(way))


def one_sentence(words: str) -> str:
    assert words.endswith(".") and ". " not in words and "\n" not in words and "Traceback" not in words
    return words


def on_pages(place: Workspace, answer: Answer) -> list[Callable[[], object]]:
    """Return everything that pages ask of the archive."""

    def send() -> None:
        job = SendJob(STUDY)
        job.begin(place, answer, (), actor=ME)
        assert job.wait(60) and job.sent is None
        raise UsageError(job.error)

    return [
        lambda: fetching.find(place, WANTED, actor=ME),
        lambda: fetching.objects(place, STUDY, actor=ME),
        lambda: fetching.as_upload(place, ONE, actor=ME),
        lambda: fetching.into_inbox(place, [ONE], actor=ME),
        send,
    ]


def said(call: Callable[[], object]) -> str:
    try:
        got = call()
    except UsageError as error:
        return one_sentence(str(error))
    assert isinstance(got, FetchedObjects) and got.fetched == 0  # what an archive refuses is listed
    return one_sentence("".join(got.failed))


def test_whatever_a_page_asks_of_an_archive_that_fails_ends_in_one_sentence(workspace: Workspace, answer: Answer):
    for behaviour, words in WAYS.values():
        with ExitStack() as stack, ThreadPoolExecutor(5) as hands:
            pacs_file(workspace.path, f'[pacs]\nurl = "{at(stack, behaviour)}"\n')
            for one in hands.map(said, on_pages(workspace, answer)):
                assert words in one
    assert count_waiting(workspace.path) == 0
    assert not any(row.kind in ("archive searched", "sent to the archive") for row in workspace.audit_rows())


def test_commands_that_ask_once_say_one_sentence(workspace: Workspace, answer: Answer, capsys):
    on = ["--accession", "ACC00001", "--workspace", str(workspace.path)]
    workspace.close()
    for way, command in (
        ("away", ["pacs", "find"]),
        ("silent", ["pacs", "find"]),
        ("busy", ["pacs", "find"]),
        ("not ours", ["pacs", "get"]),
        ("forbidden", ["pacs", "send", answer.query_id]),
        ("broken off", ["pacs", "send", answer.query_id]),
    ):
        behaviour, words = WAYS[way]
        with ExitStack() as stack:
            pacs_file(workspace.path, f'[pacs]\nurl = "{at(stack, behaviour)}"\n')
            assert run([*command, *on]) == 2
        assert words in one_sentence(capsys.readouterr().err.strip().splitlines()[-1])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setattr(fetching, "FIRST_WAIT_S", 0.01)
    with open_workspace(tmp_path / "ws", create=True) as made:
        yield made


def job(place: Workspace, meanwhile: Callable[[str], failing.Behaviour | None]) -> tuple[FetchedObjects, list[str]]:
    """Fetch two patients through what stands in front of Orthanc; return what came, and why the job waited."""
    heard: list[str] = []
    with failing.archive(failing.in_front_of(URL, (USER, PASSWORD), meanwhile)) as url:
        settings = ArchiveSettings(url)
        work = FetchJob(place.path, settings, DicomWebArchive(settings, in_job=True), on_progress=heard.append)
        return work.run([WANTED, WantedStudies(accession="ACC00002")], ME), heard


@needs_orthanc
def test_a_job_goes_on_when_an_archive_that_was_busy_comes_back(place: Workspace, server: Orthanc):
    left = {"studies": 2, "instances": 3}

    def meanwhile(path: str) -> failing.Behaviour | None:
        kind = "instances" if "/instances/" in path else "studies"
        left[kind] -= 1
        return failing.refusing(503) if left[kind] >= 0 else None

    done, heard = job(place, meanwhile)
    assert (done.fetched, done.failed) == (4, []) and count_waiting(place.path) == 4
    assert heard and all("cannot answer now (status 503)" in one for one in heard)


@needs_orthanc
def test_an_object_that_breaks_off_is_asked_for_again_and_comes_whole(place: Workspace, server: Orthanc):
    left = [2]

    def meanwhile(path: str) -> failing.Behaviour | None:
        if "/instances/" in path:
            left[0] -= 1
            return failing.half_of_an_object if left[0] >= 0 else None
        return None

    done, heard = job(place, meanwhile)
    assert (done.fetched, done.failed) == (4, []) and len(heard) == 2


@needs_orthanc
def test_half_a_study_comes_and_the_rest_is_listed(place: Workspace, server: Orthanc):
    films: set[str] = set()

    def meanwhile(path: str) -> failing.Behaviour | None:
        if "/instances/" in path and (not films or path in films):  # the first object is never given whole
            films.add(path)
            return failing.half_of_an_object
        if "/studies/" in path and "/instances" not in path and films:  # the second study is gone meanwhile
            return failing.refusing(404)
        return None

    done, _ = job(place, meanwhile)
    assert done.fetched == 1 and count_waiting(place.path) == 1
    broken, gone = done.failed
    assert "cannot be read" in one_sentence(broken) and "no such study" in one_sentence(gone)


def test_a_job_by_dimse_goes_on_after_a_busy_answer_and_one_that_broke_off(place: Workspace):
    asked: list[str] = []

    def find(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        asked.append("find")
        if len(asked) == 1:
            yield 0xA700, None
            return
        one = Dataset()
        one.StudyInstanceUID, one.SeriesInstanceUID, one.Modality = STUDY.uid, ONE.series, "CR"
        one.SOPInstanceUID, one.SOPClassUID = ONE.uid, ONE.sop_class
        yield 0xFF00, one

    def get(event: Any) -> Iterator[Any]:
        asked.append("get")
        yield 1
        if asked.count("get") == 1:
            event.assoc.abort()
        yield 0xFF00, FILM

    heard: list[str] = []
    with peer([(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)]) as port:
        to = DimseSettings("PACS", "127.0.0.1", port)
        settings = ArchiveSettings(dimse=to)
        work = FetchJob(place.path, settings, DimseArchive(settings, to, in_job=True), on_progress=heard.append)
        done = work.run([WANTED], ME)
    assert (done.fetched, done.failed) == (1, []) and len(heard) == 2
    assert "cannot answer now (status A700)" in heard[0]
