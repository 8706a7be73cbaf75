"""Rows go to a receiver over TLS, wait while it is away, and go to nobody whose certificate is not trusted."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.certificates import own_certificate

from engine.actor import Actor
from engine.audit import sending
from engine.audit.sending import Receiver, send
from engine.cli import run
from engine.errors import UsageError, WorkspaceError
from engine.store.acts import Act
from engine.store.audit_file import AuditFile

ANN = Actor("ann")


class Repository:
    """A receiver on loopback with a certificate of its own; it keeps what it was sent, frame by frame."""

    def __init__(self, folder: Path) -> None:
        self.pem, self.frames = own_certificate(folder / "server.pem"), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.receiver = Receiver("127.0.0.1", self.listener.getsockname()[1], ca=self.pem)

    def take_one(self) -> threading.Thread:
        """Take one connection in the background."""
        thread = threading.Thread(target=self._take)
        thread.start()
        return thread

    def _take(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        plain, _ = self.listener.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as connection, connection.makefile("rb") as stream:
                while length := self._length(stream):
                    self.frames.append(stream.read(length))
        except (ssl.SSLError, OSError):
            plain.close()

    @staticmethod
    def _length(stream) -> int:
        digits = b""
        while (one := stream.read(1)).isdigit():
            digits += one
        return int(digits or 0)


@pytest.fixture
def repository(tmp_path: Path):
    made = Repository(tmp_path)
    yield made
    made.listener.close()


def numbers(frames: list[bytes]) -> list[int]:
    return [int(frame.split(b'n="')[1].split(b'"')[0]) for frame in frames]


def test_rows_arrive_as_frames_and_wait_while_nobody_listens(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "AGAIN", 2)
    with AuditFile(tmp_path) as audit:
        for _ in range(3):
            audit.append(ANN, Act("search", returned=("s1",), patients=("p1",), filters="größer"))
        taking = repository.take_one()
        assert send(audit, tmp_path, repository.receiver) == 3
        taking.join(120)
        assert numbers(repository.frames) == [1, 2, 3]
        head, xml = repository.frames[0].split(b"\xef\xbb\xbf")
        assert head.startswith(b"<85>1 20") and b" casebind " in head and b" IHE+RFC-3881 " in head
        assert ElementTree.fromstring(xml).find("ActiveParticipant").get("UserID") == "ann"
        assert send(audit, tmp_path, repository.receiver) == 0  # nothing new, so nobody is asked
        audit.append(ANN, Act("search"))
        away = Receiver("127.0.0.1", _closed_port(), repository.pem)
        with pytest.raises(WorkspaceError, match="they wait"):
            send(audit, tmp_path, away)
        taking = repository.take_one()
        assert send(audit, tmp_path, repository.receiver) == 3
        taking.join(120)
        assert numbers(repository.frames) == [1, 2, 3, 2, 3, 4]  # the last ones once more


def test_a_certificate_that_is_not_trusted_gets_nothing(tmp_path: Path, repository: Repository) -> None:
    with AuditFile(tmp_path) as audit:
        audit.append(ANN, Act("search"))
        taking = repository.take_one()
        with pytest.raises(WorkspaceError, match="certificate"):
            send(audit, tmp_path, Receiver("127.0.0.1", repository.receiver.port))
        taking.join(120)
    assert repository.frames == []


def test_the_command_sends_and_says_how_many(
    tmp_path: Path, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    with AuditFile(tmp_path) as audit:
        audit.append(ANN, Act("search"))
    taking = repository.take_one()
    to = ["--to", f"127.0.0.1:{repository.receiver.port}", "--ca", str(repository.pem)]
    assert run(["audit", "send", *to, "--workspace", str(tmp_path)]) == 0
    taking.join(120)
    assert capsys.readouterr().out.startswith("2 rows")  # the sending is a row too
    assert numbers(repository.frames) == [1, 2]


@pytest.mark.parametrize("address", ["", "a b", "host:99999", "http://host"])
def test_what_is_no_address_is_one_sentence(address: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        Receiver.of(address, None, None)


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
