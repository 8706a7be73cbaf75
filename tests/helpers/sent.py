"""All that a server sends to a tab, so that a test can say what it never told."""

from __future__ import annotations

import gzip
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response, WebSocket

PICTURES = (".png", ".jpg", ".jpeg")  # hold no words


@dataclass
class Sent:
    """All that the server has sent to a tab: frames, addresses, and the files that a page loads, unpacked."""

    tab: Page
    pieces: list[bytes] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.tab.on("websocket", self._socket)
        self.tab.on("response", self._response)

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.pieces.append(_bytes(frame)))

    def _response(self, answer: Response) -> None:
        self.pieces.append(answer.url.encode())
        path = urlsplit(answer.url).path
        if path.startswith("/media/") and not path.endswith(PICTURES):
            self.files.append(answer.url)

    def tells(self, *secrets: str) -> list[str]:
        """Return which secrets were sent since the last call."""
        loaded = [_loaded(url) for url in self.files]
        everything = b"\n".join([*self.pieces, *loaded])
        self.pieces.clear()
        self.files.clear()
        return [secret for secret in secrets if secret.encode() in everything]


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame


def _loaded(url: str) -> bytes:
    """Return what a file holds, unpacked; nothing where it is gone already."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError:
        return b""
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
