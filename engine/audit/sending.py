"""Rows of the audit sent on to a hospital's audit repository: audit messages over syslog (RFC 5424) on TLS (RFC 5425).

The audit itself is what waits to be sent; a file per receiver says up to which row it was. Nothing in the protocol says
that a message arrived: so the last rows are sent once more whenever a connection begins anew, and a receiver knows them
by the number in each message.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from engine.audit.atna import message, source_name
from engine.audit.checkpoint import FOLDER
from engine.errors import UsageError, WorkspaceError
from engine.files import write_whole
from engine.store.audit_file import AuditFile

PORT, TIMEOUT_S = 6514, 10.0
PRIORITY = 10 * 8 + 5  # facility security, severity notice
FACTS = "casebind@32473"  # an enterprise number for examples (RFC 5612): Casebind has none of its own
BOM = b"\xef\xbb\xbf"
AGAIN = 100  # rows that are sent once more when a connection begins
AT_ONCE = 500


@dataclass(frozen=True)
class Receiver:
    """Where rows are sent: host and port, and files with the certificates that are trusted and presented.

    ca   : of the authority that signed the receiver's certificate; None for those of the system
    own  : certificate and key of this machine in one PEM file; None for none
    """

    host: str
    port: int = PORT
    ca: Path | None = None
    own: Path | None = None

    @classmethod
    def of(cls, address: str, ca: Path | None, own: Path | None) -> Receiver:
        """Return a receiver from host:port; UsageError where it is no such address."""
        found = re.fullmatch(r"\[?([\w.:-]+?)\]?(?::(\d{1,5}))?", address)
        if found is None or int(found[2] or PORT) > 65_535:
            raise UsageError(f"{address!r} is no address: write it as host or host:port.")
        return cls(found[1], int(found[2] or PORT), ca, own)

    @property
    def file_name(self) -> str:
        """The name of the file that says up to which row was sent."""
        return f"sent-{re.sub(r'[^A-Za-z0-9.-]', '-', self.host)}-{self.port}"


def syslog_frame(body: Mapping[str, Any], source: str) -> bytes:
    """Return one row as a frame: its length, a space, and the message with its audit message in UTF-8."""
    xml = ElementTree.tostring(message(body, source), encoding="unicode")
    time, host = str(body["recorded"]), re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"
    head = f'<{PRIORITY}>1 {time} {host} casebind {os.getpid()} IHE+RFC-3881 [{FACTS} n="{body["n"]}"] '
    said = head.encode() + BOM + xml.encode()
    return f"{len(said)} ".encode() + said


def send(audit: AuditFile, folder: Path, receiver: Receiver, source: str = "") -> int:
    """Send every row that was not sent; return how many, those that are sent once more among them.

    Raises WorkspaceError where the receiver does not answer or its certificate is not trusted: what was not sent waits.
    """
    file = folder / FOLDER / receiver.file_name
    sent = _sent(file)
    first, last = max(0, sent - AGAIN), audit.size()
    if last <= sent:
        return 0
    try:
        with _connected(receiver) as connection:
            for begin in range(first, last, AT_ONCE):
                rows = audit.rows("n > ? AND n <= ?", (begin, min(begin + AT_ONCE, last)))
                _send_all(connection, rows, source or source_name())
                file.parent.mkdir(exist_ok=True)
                write_whole(file, f"{max(sent, min(begin + AT_ONCE, last))}\n")
            with suppress(OSError):  # the receiver may close without a word
                connection.unwrap()
    except (OSError, ssl.SSLError) as problem:
        raise WorkspaceError(
            f"Rows of the audit could not be sent to {receiver.host}:{receiver.port} ({problem}): they wait."
        ) from problem
    return last - first


def _send_all(connection: ssl.SSLSocket, rows: Iterable[Mapping[str, Any]], source: str) -> None:
    for body in rows:
        connection.sendall(syslog_frame(body, source))


def _connected(receiver: Receiver) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=receiver.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if receiver.own is not None:
        context.load_cert_chain(receiver.own)
    plain = socket.create_connection((receiver.host, receiver.port), TIMEOUT_S)
    try:
        return context.wrap_socket(plain, server_hostname=receiver.host)
    except BaseException:
        plain.close()
        raise


def _sent(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
