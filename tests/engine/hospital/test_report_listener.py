"""Reports by MLLP: answered once they are on disk; strangers, broken and large messages are turned away."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from helpers.mutual_tls import certificates
from helpers.report_messages import HEAD, message, reports_sent, settings_for_reports

from engine.hospital.inbox import Inbox
from engine.hospital.mllp import ReportListener
from engine.hospital.settings import ReportSender, TlsFiles
from engine.store.audit_file import AuditFile


def test_the_listener_answers_after_the_disk_and_turns_away_others(tmp_path: Path):
    listener = ReportListener(tmp_path, settings_for_reports())
    try:
        several = message("Clear lungs.") + message("x", filler="F2").split(b"PID")[1].partition(b"\r")[2]
        sent = [
            several,
            message("x", control="2").replace(b"RIS|", b"ELSE|"),
            b"nonsense",
            HEAD.replace(b"ORU^R01", b"ADT^A01"),
        ]
        answers = reports_sent(listener.port, sent)
        assert [one.split(b"MSA|")[1][:2] for one in answers] == [b"AA", b"AR", b"AR", b"AR"]
        assert b"MSA|AA|1\r" in answers[0] and b"pacs.toml" in answers[1]
        with Inbox(tmp_path) as inbox:
            assert len(inbox.waiting()) == 2
            assert all(one.file.stat().st_mode & 0o077 == 0 for one in inbox.waiting())
    finally:
        listener.close()
    with AuditFile(tmp_path) as audit:
        assert [row["kind"] for row in audit.rows()].count("sender refused") == 1


def test_both_sides_show_a_certificate(tmp_path: Path):
    made = certificates(tmp_path, "server", "client")
    tls = TlsFiles(str(made.certificate("server")), str(made.key("server")), str(made.ca))
    listener = ReportListener(tmp_path, settings_for_reports(tls=tls))
    try:
        context = ssl.create_default_context(cafile=str(made.ca))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            reports_sent(listener.port, [message("x")], context)
        context.load_cert_chain(made.certificate("client"), made.key("client"))
        assert b"MSA|AA" in reports_sent(listener.port, [message("x")], context)[0]
    finally:
        listener.close()


def test_a_message_that_is_too_large_is_answered_and_the_next_one_taken(tmp_path: Path):
    listener = ReportListener(tmp_path, settings_for_reports(most_mb=1))
    try:
        large, small = message("x" * 3_000_000, control="7"), message("Clear lungs.", control="8")
        answers = reports_sent(listener.port, [large, small])
        assert b"MSA|AR|7|" in answers[0] and b"most_mb" in answers[0] and b"MSA|AA|8\r" in answers[1]
        with socket.create_connection(("127.0.0.1", listener.port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert connection.recv(10) == b""
    finally:
        listener.close()


def test_an_address_that_no_sender_has_is_not_heard(tmp_path: Path):
    listener = ReportListener(tmp_path, settings_for_reports(senders=(ReportSender("RIS", "WARD", "10.0.0.7"),)))
    try:
        with pytest.raises(ConnectionError):
            reports_sent(listener.port, [message("x")])
    finally:
        listener.close()
    with AuditFile(tmp_path) as audit:
        assert [row["kind"] for row in audit.rows()].count("sender refused") == 1


def test_a_message_that_breaks_off_is_neither_kept_nor_answered(tmp_path: Path):
    listener = ReportListener(tmp_path, settings_for_reports())
    try:
        with socket.create_connection(("127.0.0.1", listener.port)) as connection:
            connection.sendall(b"\x0b" + message("Clear lungs.")[:60])
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(10) == b""
        with Inbox(tmp_path) as inbox:
            assert inbox.waiting() == []
    finally:
        listener.close()
