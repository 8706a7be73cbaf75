"""DICOMweb archives that are away, silent, slow, refuse, break off, or are busy for a while: real servers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

Behaviour = Callable[[BaseHTTPRequestHandler], None]
ABSENT = "http://127.0.0.1:9/dicom-web"  # the port of discard, where nobody listens


@contextmanager
def archive(behave: Behaviour) -> Iterator[str]:
    """Run an archive that answers each request as `behave` does; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behave(self)

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def silent() -> Iterator[str]:
    """Run one that takes connections and never answers; yield its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/dicom-web"


def refusing(status: int) -> Behaviour:
    """Answer with a status of HTTP."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return behave


def half(request: BaseHTTPRequestHandler) -> None:
    """Begin an answer, and break off."""
    request.send_response(200)
    request.send_header("Content-Type", "application/dicom+json")
    request.send_header("Content-Length", "9999")
    request.end_headers()
    request.wfile.write(b'[{"0020000D": {"vr": "UI", "Val')


def foreign(request: BaseHTTPRequestHandler) -> None:
    """Answer with a page of a portal."""
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.end_headers()
    request.wfile.write(b"<html>Sign in</html>")


def trickling(request: BaseHTTPRequestHandler) -> None:
    """Answer a byte at a time."""
    request.send_response(200)
    request.send_header("Content-Type", "application/dicom+json")
    request.send_header("Content-Length", "999999")
    request.end_headers()
    pause = threading.Event()
    while not pause.wait(0.2):
        try:
            request.wfile.write(b" ")
        except OSError:
            return


def in_front_of(url: str, auth: tuple[str, str], meanwhile: Callable[[str], Behaviour | None]) -> Behaviour:
    """Hand requests on to an archive, but for those of a path for which `meanwhile` names something else."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        other = meanwhile(request.path)
        if other is not None:
            other(request)
            return
        asked = url.removesuffix("/dicom-web") + request.path
        found = requests.get(asked, auth=auth, headers={"Accept": request.headers["Accept"]}, timeout=60)
        request.send_response(found.status_code)
        request.send_header("Content-Type", found.headers.get("Content-Type", ""))
        request.send_header("Content-Length", str(len(found.content)))
        request.end_headers()
        request.wfile.write(found.content)

    return behave


def half_of_an_object(request: BaseHTTPRequestHandler) -> None:
    """Begin an object, and break off."""
    request.send_response(200)
    request.send_header("Content-Type", 'multipart/related; type="application/dicom"; boundary=xx')
    request.send_header("Content-Length", "99999")
    request.end_headers()
    request.wfile.write(b"--xx\r\nContent-Type: application/dicom\r\n\r\n" + b"\0" * 128 + b"DICM")
