"""HL7 v2 over MLLP: reports that known senders send are brought to disk, and only then acknowledged (AA).

A frame is 0x0B, a message, 0x1C 0x0D (HL7 v2 Transport: MLLP release 1). AE says "send it again", AR "not this".
"""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from engine.errors import CasebindError, IntakeError
from engine.hospital import hl7
from engine.hospital.inbox import Inbox
from engine.hospital.incoming_report import HL7, KINDS
from engine.hospital.settings import ReportSettings, not_served, server_context
from engine.store.acts import Act
from engine.store.audit_file import SYSTEM, AuditFile
from engine.store.received import Origin

BEGIN, END = b"\x0b", b"\x1c\r"
HANDSHAKE_S, FIRST_S, QUIET_S = 10.0, 60.0, 600.0  # TLS; a connection's first message; its further ones
FRAME_S = 60.0  # from the first byte of a message to its last
CHUNK = 65_536
HEAD = 2_000  # bytes of a message that is too large, by which it is answered
MOST_CONNECTIONS = 16
REFUSALS_APART_S = 60.0
MEGABYTE = 1_000_000
_log = logging.getLogger(__name__)


class ReportListener:
    """The listener for reports of one workspace, from its making to `close`."""

    def __init__(self, workspace: Path, settings: ReportSettings) -> None:
        """Begin to listen; UsageError where the address cannot be had."""
        self.settings, self._context = settings, server_context(settings.tls)
        self._inbox, self._audit = Inbox(workspace), AuditFile(workspace)
        self._refused = -REFUSALS_APART_S
        self._lock = threading.Lock()
        self._connections = threading.BoundedSemaphore(MOST_CONNECTIONS)
        try:
            self._server = _Server((settings.address, settings.port), self._serve)
        except OSError as error:
            self._inbox.close()
            self._audit.close()
            raise not_served(settings.address, settings.port, error) from error
        self.port = int(self._server.server_address[1])
        senders = [one.application for one in settings.senders]
        about = {"title": "HL7", "tls": self._context is not None, "senders": senders}
        self._audit.append(SYSTEM, Act("listener started", about=about))
        self._thread = threading.Thread(target=self._server.serve_forever, name="mllp", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End: what was acknowledged is on disk."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._audit.append(SYSTEM, Act("listener stopped"))
        self._audit.close()
        self._inbox.close()

    def _serve(self, connection: socket.socket, address: str) -> None:
        """Answer the messages of one connection, one after the other, until it ends."""
        if not self.settings.reaches(address):
            self._note("", "", address)
            return
        if not self._connections.acquire(blocking=False):
            return
        try:
            connection.settimeout(HANDSHAKE_S)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            connection.settimeout(FIRST_S)
            frames = _Frames(connection, self.settings.most_mb * MEGABYTE)
            while (frame := frames.next()) is not None:
                answer = self._too_large(frame) if frames.cut else self.answer(frame, address)
                connection.sendall(BEGIN + answer + END)
                connection.settimeout(QUIET_S)
        except OSError as error:  # of TLS too
            _log.info("A connection for reports ended (%s).", type(error).__name__)
        finally:
            connection.close()
            self._connections.release()

    def _too_large(self, head: bytes) -> bytes:
        """Refuse a message of which the beginning alone was kept."""
        try:
            message = hl7.parse(head.partition(b"\r")[0] + b"\r")
        except IntakeError:
            message = None
        why = f"The message is larger than {self.settings.most_mb} MB: have its text alone sent, or raise most_mb."
        return _acknowledgement(message, "AR", why)

    def answer(self, frame: bytes, address: str) -> bytes:
        """Take one message; return its acknowledgement, AA once it is on disk."""
        try:
            message = hl7.parse(frame)
        except IntakeError as error:
            return _acknowledgement(None, "AR", str(error))
        application, facility = (message.words(message.field("MSH", number)) for number in (3, 4))
        if not self.settings.permits(application, facility, address):
            self._note(application, facility, address)
            return _acknowledgement(message, "AR", "The sender is not permitted: have it named in pacs.toml.")
        kind = message.field("MSH", 9)
        if (message.words(kind), message.words(kind, 2)) != ("ORU", "R01"):
            return _acknowledgement(message, "AR", "The message is no ORU^R01: have reports alone sent.")
        try:
            named = hl7.sender_and_control(frame)
            for number, one in enumerate(hl7.reports_in(frame)):
                origin = Origin(KINDS[HL7], application, self.settings.cohort)
                self._inbox.receive_report(f"{named}|{number}", one, HL7, origin)
        except IntakeError as error:
            return _acknowledgement(message, "AR", str(error))
        except (OSError, CasebindError) as error:
            _log.error("A report was not stored (%s); its sender keeps it.", error)
            return _acknowledgement(message, "AE", "The report could not be brought to disk: send it again later.")
        return _acknowledgement(message, "AA")

    def _note(self, application: str, facility: str, address: str) -> None:
        """Put a stranger on record, once a minute."""
        with self._lock:
            if time.monotonic() - self._refused < REFUSALS_APART_S:
                return
            self._refused = time.monotonic()
        why = "The sender of reports is not on the list of pacs.toml."
        about = {"title": f"{application}|{facility}"[:80], "address": address}
        self._audit.append(SYSTEM, Act("sender refused", refused=why, about=about))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket, str], None]) -> None:
        self.serve = serve
        super().__init__(address, _Connection)


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        cast(_Server, self.server).serve(self.request, str(self.client_address[0]))


class _Frames:
    """The messages of one connection. cut: whether the last one was too large, and what was returned its beginning."""

    def __init__(self, connection: socket.socket, most: int) -> None:
        self._connection, self._most = connection, most
        self._held = bytearray()
        self.cut = False

    def next(self) -> bytes | None:
        """Return the next message; None at the end, or where no frame begins or none ends in time."""
        while not self._held.lstrip(b"\r\n"):
            self._held.clear()
            if not self._more():
                return None
        del self._held[: len(self._held) - len(self._held.lstrip(b"\r\n"))]
        if not self._held.startswith(BEGIN):
            return None
        del self._held[:1]
        self.cut, until, looked, head = False, time.monotonic() + FRAME_S, 0, b""
        while (end := self._held.find(END, looked)) < 0:
            if len(self._held) > self._most:
                self.cut, head = True, head or bytes(self._held[:HEAD])
                del self._held[:-1]
            looked = max(0, len(self._held) - 1)
            if time.monotonic() > until or not self._more():
                return None
        message = head if self.cut else bytes(self._held[:end])
        del self._held[: end + len(END)]
        return message

    def _more(self) -> bool:
        chunk = self._connection.recv(CHUNK)
        self._held += chunk
        return bool(chunk)


def _acknowledgement(message: hl7.Hl7Message | None, code: str, why: str = "") -> bytes:
    """Return an ACK (HL7 v2.5.1 chapter 2.9.2) in the version of the message."""
    now = f"{datetime.now(UTC):%Y%m%d%H%M%S}"
    application, facility, control, version = (
        message.field("MSH", number) if message else "" for number in (3, 4, 10, 12)
    )
    header = ["MSH", "^~\\&", "CASEBIND", "", application, facility, now, "", "ACK^R01^ACK", now]
    said = why.replace("|", " ").replace("^", " ").replace("\\", " ").replace("&", " ")
    answer = ["MSA", code, control, *([said] if said else [])]
    sent = f"{'|'.join([*header, 'P', version or '2.5.1'])}\r{'|'.join(answer)}\r"
    return sent.encode(message.charset if message else "utf-8", "replace")
