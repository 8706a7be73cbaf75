"""What a peer of the DICOM listener may send, and how long it may take, before anything of it is known.

pynetdicom waits for the rest of a PDU without end and takes as much as its 32 bits of length announce (PS3.8 9.3.1); it
shakes hands for TLS in the thread that accepts connections. A silent peer would keep everybody out, a loud one take all
memory, and neither has to be on any list for that.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

PDU_S = 30.0  # from the first byte of a PDU to its last, and for the handshake
MOST_PDU = 1_000_000  # bytes; we ask for an eighth of it at once, and proposals have a few hundred thousand
CHUNK = 65_536


class PeerTooMuchError(OSError):
    """A peer sends more than it may, or too slowly; its connection is closed."""


class Incoming:
    """Reads what comes over one connection, in the place of `AssociationSocket.recv`.

    most : bytes of one DIMSE message, after which nothing more of it is taken
    """

    def __init__(self, connection: socket.socket, most: int) -> None:
        self._connection, self._most = connection, most
        self._taken = 0
        connection.settimeout(PDU_S)  # for what is sent, too

    def message_ended(self) -> None:
        """Note that a whole message came: the next one may be as long again."""
        self._taken = 0

    def recv(self, n: int) -> bytearray:
        """Return n bytes, fewer where the peer closed the connection; PeerTooMuchError beyond a limit."""
        self._taken += n
        if n > MOST_PDU or self._taken > self._most:
            raise self._closed("A peer announced more than one message or PDU may have")
        read, until = bytearray(), time.monotonic() + PDU_S
        try:
            while len(read) < n:
                self._connection.settimeout(max(until - time.monotonic(), 0.001))
                if not (chunk := self._connection.recv(min(n - len(read), CHUNK))):
                    break
                read += chunk
        except TimeoutError as error:
            raise self._closed("A peer did not send a PDU to its end") from error
        self._connection.settimeout(PDU_S)
        return read

    def _closed(self, why: str) -> PeerTooMuchError:
        self._connection.close()
        return PeerTooMuchError(f"{why}: its connection is closed.")


class LateHandshake:
    """A TLS context whose sockets shake hands with their first bytes, in the thread that reads them."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def wrap_socket(self, connection: socket.socket, server_side: bool) -> ssl.SSLSocket:
        """Return the socket over TLS."""
        return self._context.wrap_socket(connection, server_side=server_side, do_handshake_on_connect=False)


def limit(event: Any, most: int) -> None:
    """Hold a connection that was just opened to the limits. event: of `pynetdicom.evt.EVT_CONN_OPEN`"""
    held = event.assoc.dul.socket
    incoming = Incoming(held.socket, most)
    held.recv = incoming.recv
    event.assoc.casebind_incoming = incoming


def message_ended(event: Any) -> None:
    """Note that a whole message came. event: of `pynetdicom.evt.EVT_DIMSE_RECV`"""
    event.assoc.casebind_incoming.message_ended()
