"""Peers that nobody knows keep nobody out of the listeners, take no memory, and fill no record."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.archive_objects import ecg, wait_until
from helpers.archive_processes import TITLE, associated, sent, settings_at
from helpers.listening import listening
from helpers.mutual_tls import certificates
from pynetdicom import AE

from engine.hospital import listener as listener_module
from engine.hospital import mllp, peer_limits
from engine.hospital.inbox import Inbox
from engine.hospital.settings import TlsFiles
from engine.store.audit_file import AuditFile

ASSOCIATE, DATA = 1, 4  # kinds of PDU


@contextmanager
def peer(port: int, first: bytes) -> Iterator[socket.socket]:
    """Connect and send the first bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(first)
        yield connection


def is_cut_off(connection: socket.socket) -> bool:
    """Say whether the listener closes a connection over which nothing more is sent."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_a_peer_that_announces_more_than_a_pdu_may_have_is_cut_off_at_once(tmp_path: Path):
    with listening(tmp_path) as listener:
        for kind in (ASSOCIATE, DATA):
            with peer(listener.port, struct.pack(">BBL", kind, 0, 0xFFFFFFFF)) as connection:
                assert is_cut_off(connection)
        assert sent(listener.port, [ecg()]) == [0]


def test_peers_that_send_half_a_pdu_keep_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peer_limits, "PDU_S", 1.0)
    half = struct.pack(">BBL", ASSOCIATE, 0, 500) + bytes(100)
    two = settings_at(most_associations=2)
    with listening(tmp_path, two) as at, peer(at.port, half) as one, peer(at.port, half[:3]) as other:
        assert is_cut_off(one) and is_cut_off(other)
        wait_until(lambda: associated(at.port).is_established)


def test_an_object_without_an_end_is_cut_off(tmp_path: Path):
    """One somewhat larger than the limit is answered, so that its sender knows why."""
    with listening(tmp_path, settings_at(most_mb=1)) as listener, Inbox(tmp_path) as inbox:
        large = ecg()
        large.WaveformSequence[0].WaveformData = bytes(1_200_000)
        endless = ecg()
        endless.WaveformSequence[0].WaveformData = bytes(9_000_000)
        assert sent(listener.port, [large]) == [0xA700]
        assert sent(listener.port, [endless]) == [None]
        assert inbox.waiting() == []


def test_who_shakes_no_hands_for_tls_keeps_nobody_out(tmp_path: Path):
    made = certificates(tmp_path, "listener", "cart")
    ours = ssl.create_default_context(cafile=str(made.ca))
    ours.check_hostname = False
    ours.load_cert_chain(made.certificate("cart"), made.key("cart"))
    settings = settings_at(tls=TlsFiles(str(made.certificate("listener")), str(made.key("listener")), str(made.ca)))
    with listening(tmp_path, settings) as listener, peer(listener.port, b""):
        assert sent(listener.port, [ecg()], tls_args=(ours, None)) == [0]


def test_strangers_under_many_titles_are_few_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listener_module, "TITLES_OF_ADDRESS", 2)
    with listening(tmp_path) as listener:
        for number in range(5):
            ae = AE(ae_title=f"STRANGER{number}")
            ae.add_requested_context("1.2.840.10008.1.1")
            assert ae.associate("127.0.0.1", listener.port, ae_title=TITLE).is_rejected
        with AuditFile(tmp_path) as audit:
            wait_until(lambda: len(audit.rows("kind = 'sender refused'")) == 2)
            assert sent(listener.port, [ecg()]) == [0]
            assert {row["about"]["title"] for row in audit.rows("kind = 'sender refused'")} == {
                "STRANGER0",
                "STRANGER1",
            }


def test_line_ends_without_a_message_are_not_kept():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        frames = mllp._Frames(ours, 1000)
        theirs.sendall(b"\r\n" * 20_000 + b"\x0bMSH|\x1c\r")
        assert frames.next() == b"MSH|" and not frames._held
        theirs.sendall(b"\r" * 50_000)
        theirs.shutdown(socket.SHUT_WR)
        assert frames.next() is None and not frames._held
