"""A real HTTP server of a folder, with ranges, that can break off, hide what a file is, and say what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


@dataclass
class FileServer:
    """A running server.

    asked   : (path, first byte asked for) of every request
    break_after : bytes after which each answer breaks off, once a file; 0 for never
    status  : path → status that it is answered with instead of the file
    kind    : the Content-Type of every answer
    """

    folder: Path
    base: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    break_after: int = 0
    status: dict[str, int] = field(default_factory=dict)
    kind: str = "application/octet-stream"
    broken: set[str] = field(default_factory=set)


@contextmanager
def serve(folder: Path) -> Iterator[FileServer]:
    """Serve a folder on a free port of this machine."""
    state = FileServer(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    state.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: FileServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep the tests' output free of requests."""

    def do_GET(self) -> None:
        name = unquote(self.path).lstrip("/")
        asked = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0]
        self.state.asked.append((name, int(asked)))
        file = self.state.folder / name
        status = self.state.status.get(name, 200 if file.is_file() else 404)
        if status != 200:
            self._head(status, 0)
            return
        data = file.read_bytes()
        tag = f'"{hash(data):x}"'
        start = int(asked) if self.headers.get("If-Range", tag) == tag else 0
        if start and start >= len(data):
            self._head(416, 0, {"Content-Range": f"bytes */{len(data)}"})
            return
        ranged = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        self._head(206 if start else 200, len(data) - start, {"ETag": tag, **ranged})
        self._body(name, data[start:])

    def _body(self, name: str, data: bytes) -> None:
        limit = self.state.break_after
        if limit and name not in self.state.broken and len(data) > limit:
            self.state.broken.add(name)
            self.wfile.write(data[:limit])
            self.close_connection = True
            return
        self.wfile.write(data)

    def _head(self, status: int, length: int, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), "Content-Type": self.state.kind, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
