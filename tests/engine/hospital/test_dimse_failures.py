"""An archive asked by DIMSE that is away, rejects, offers nothing, is busy or breaks off: one sentence each."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.archive_objects import chest_film
from helpers.archive_processes import settings_at
from helpers.dimse_peers import peer
from helpers.mutual_tls import Certificates, certificates
from pydicom.dataset import Dataset
from pynetdicom import evt

from engine.errors import UsageError
from engine.hospital.archive import AbsentError, FoundObject, WantedStudies
from engine.hospital.classes import SENT, VERIFICATION
from engine.hospital.conformance import proposed, statement
from engine.hospital.dimse import DimseArchive
from engine.hospital.settings import ArchiveSettings, DimseSettings, TlsFiles, archive_settings, server_context

WANTED = WantedStudies(accession="ACC00001")
FILM = chest_film(1)
ONE = FoundObject("1.2.3", "1.2.3.4", str(FILM.SOPInstanceUID), str(FILM.SOPClassUID), "CR")


def archive(port: int, tls: TlsFiles | None = None, **more: Any) -> DimseArchive:
    at = DimseSettings("PACS", "127.0.0.1", port)
    return DimseArchive(ArchiveSettings(dimse=at, tls=tls or TlsFiles()), at, **more)


def says(kind: type[UsageError], call: Callable[[], object]) -> str:
    with pytest.raises(UsageError) as said:
        call()
    assert type(said.value) is kind
    return str(said.value)


def test_an_archive_that_is_away_or_silent_is_absent():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        port = silent.getsockname()[1]
        assert "does not answer" in says(AbsentError, lambda: archive(port).find(WANTED))
    assert "does not answer" in says(AbsentError, lambda: archive(port).find(WANTED))


def test_a_title_that_is_not_known_and_a_service_that_is_not_offered():
    with peer([], calling=["ANOTHER"]) as port:
        assert "rejects our AE title" in says(UsageError, lambda: archive(port).find(WANTED))
    with peer([], classes=(VERIFICATION,)) as port:
        for call in (lambda: archive(port).find(WANTED), lambda: archive(port).fetch(ONE)):
            assert "does not offer C-" in says(UsageError, call)


def test_a_status_other_than_success_is_said_with_its_number():
    for status, kind, words in ((0xA700, AbsentError, "cannot answer now"), (0xC001, UsageError, "refuses")):

        def find(event: Any, status: int = status) -> Iterator[tuple[int, None]]:
            yield status, None

        def get(event: Any, status: int = status) -> Iterator[Any]:
            yield 1
            yield status, None

        with peer([(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)]) as port:
            for call in (lambda port=port: archive(port).find(WANTED), lambda port=port: archive(port).fetch(ONE)):
                said = says(kind, call)
                assert words in said and f"{status:04X}" in said


def test_an_archive_that_breaks_off_within_an_answer_gives_none():
    def find(event: Any) -> Iterator[tuple[int, Dataset]]:
        one = Dataset()
        one.StudyInstanceUID = "1.2.3"
        yield 0xFF00, one
        event.assoc.abort()

    def get(event: Any) -> Iterator[Any]:
        yield 1
        event.assoc.abort()
        yield 0xFF00, FILM

    with peer([(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)]) as port:
        assert says(AbsentError, lambda: archive(port).find(WANTED))
        assert says(AbsentError, lambda: archive(port).fetch(ONE))


def test_another_object_than_was_asked_for_is_none():
    other = chest_film(2)

    def get(event: Any) -> Iterator[Any]:
        yield 1
        yield 0xFF00, other

    with peer([(evt.EVT_C_GET, get)]) as port:
        assert "no such study or object" in says(UsageError, lambda: archive(port).fetch(ONE))


def test_what_is_negotiated_is_what_the_statement_says():
    asked: set[tuple[str, str]] = set()

    def accepted(event: Any) -> None:
        for context in event.assoc.requestor.requested_contexts:
            asked.update((str(context.abstract_syntax), str(syntax)) for syntax in context.transfer_syntax)

    def find(event: Any) -> Iterator[tuple[int, None]]:
        yield 0x0000, None

    def get(event: Any) -> Iterator[Any]:
        yield 1
        yield 0xFF00, FILM

    with peer([(evt.EVT_ACCEPTED, accepted), (evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)]) as port:
        assert archive(port).find(WANTED) == []
        assert archive(port).fetch(ONE)
        stated = {(sop_class, syntax) for what, sop_class, syntax in proposed() if what != "sent back"}
        film = {one for one in stated if one[0] in (ONE.sop_class,) or one[0].startswith("1.2.840.10008.5.1.4.1.2.2")}
        assert asked == film
    words = statement(settings_at(), DimseSettings("PACS", "10.0.0.9", 104))
    assert "PACS at 10.0.0.9:104, as CASEBIND" in words
    for _, sop_class, _ in proposed():
        assert f"| {sop_class} |" in words.partition("## What is asked")[2]
    assert {sop_class for what, sop_class, _ in proposed() if what == "sent back"} == {str(one) for one in SENT}


@pytest.fixture
def signed(tmp_path: Path) -> Certificates:
    return certificates(tmp_path, "server", "client", "stranger")


def test_both_sides_show_a_certificate(signed: Certificates, tmp_path: Path):
    def find(event: Any) -> Iterator[tuple[int, None]]:
        yield 0x0000, None

    def files(name: str) -> TlsFiles:
        return TlsFiles(str(signed.certificate(name)), str(signed.key(name)), str(signed.ca))

    (tmp_path / "others").mkdir()
    others = certificates(tmp_path / "others", "client")
    with peer([(evt.EVT_C_FIND, find)], ssl_context=server_context(files("server"))) as port:
        assert archive(port, files("client")).find(WANTED) == []
        assert "does not answer" in says(AbsentError, lambda: archive(port).find(WANTED))
        untrusted = TlsFiles(str(signed.certificate("client")), str(signed.key("client")), str(others.ca))
        assert "does not answer" in says(AbsentError, lambda: archive(port, untrusted).find(WANTED))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("user = 'x'\n", "no http or https"),
        ("dimse = 3\n", "is no table"),
        ("[pacs.dimse]\ntitle = 'PACS'\nhost = 'h'\n", "lack something"),
        ("[pacs.dimse]\ntitle = ''\nhost = 'h'\nport = 104\n", "AE title"),
        ("url = 'http://x'\n[pacs.dimse]\ntitle = 'P'\nhost = 'h'\nport = 104\n", "url and dimse"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, words: str, said: str):
    (tmp_path / "pacs.toml").write_text(f"[pacs]\n{words}")
    with pytest.raises(UsageError, match=said):
        archive_settings(tmp_path)


def test_certificates_that_are_not_there_are_named():
    assert "cannot be used" in says(UsageError, lambda: archive(104, TlsFiles(ca="/nowhere")))
