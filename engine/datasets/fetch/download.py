"""One file over HTTP: resumed where it was stopped, checked before it gets its name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from engine.datasets.fetch.plan import Wanted
from engine.errors import UsageError
from engine.files import sha256_of, sync

if TYPE_CHECKING:
    import requests

MIRROR_VARIABLE = "CASEBIND_FETCH_BASE"
TRIES, PAUSE_S = 3, 0.5  # tries without progress; a broken connection goes on where it broke, after a pause
TIMEOUT_S = (10, 60)  # to connect, and between two pieces
CHUNK = 1 << 15  # bytes; what a broken connection loses at most
BUSY = (429, 500, 502, 503, 504)
PART = ".part"

Advance = Callable[[int], object]
"""Is told of every piece that is on disk, in bytes."""


def address(url: str, mirror: str = "") -> str:
    """Return a file's address; below a mirror, the publisher's host is the first folder, as wget lays it out."""
    mirror = mirror or os.environ.get(MIRROR_VARIABLE, "")
    parts = urlsplit(url)
    path = quote(parts.path, safe="/%")
    return f"{mirror.rstrip('/')}/{parts.netloc}{path}" if mirror else parts._replace(path=path).geturl()


def new_session() -> requests.Session:
    """Return a session that tries again where a server is busy; files come as they are stored."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    session = requests.Session()
    session.headers["Accept-Encoding"] = "identity"
    busy = Retry(4, connect=1, read=0, backoff_factor=0.5, status_forcelist=BUSY, raise_on_status=False)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=busy))
    return session


def text_of(session: requests.Session, url: str) -> str:
    """Return a small text, such as a list of sums; UsageError where it cannot be had."""
    import requests

    try:
        answer = session.get(url, timeout=TIMEOUT_S)
        _check(answer, url)
    except requests.RequestException as error:
        raise _unreachable(url) from error
    return answer.text


def get(session: requests.Session, wanted: Wanted, folder: Path, advance: Advance) -> Path:
    """Return the file, fetched where it is not there yet; UsageError where it differs from what was published.

    A file without a published sum is taken as it came; `fetching` notes its sum for the next time.
    """
    file = folder / wanted.path
    if file.is_file():
        if wanted.sha256 and sha256_of(file) != wanted.sha256:
            raise UsageError(
                f"The file {wanted.path} in {folder.name} differs from the published one: move it away, and the same "
                "command fetches it again."
            )
        advance(file.stat().st_size)
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + PART)
    _fill(session, wanted, part, advance)
    if wanted.sha256 and sha256_of(part) != wanted.sha256:
        part.unlink()
        raise UsageError(
            f"The file {wanted.path} came with another checksum than the publisher states, so it was not kept: try "
            "again, or tell the publisher."
        )
    os.replace(part, file)
    sync(file.parent)
    return file


def _fill(session: requests.Session, wanted: Wanted, part: Path, advance: Advance) -> None:
    """Write the rest of a file to its part, over as many connections as it takes."""
    import requests

    advance(_size(part))
    tries = 0
    while True:
        before = _size(part)
        try:
            return _continue(session, wanted, part, advance)
        except requests.RequestException as error:
            tries = 0 if _size(part) > before else tries + 1
            if tries == TRIES:
                raise _unreachable(wanted.url) from error
        time.sleep(PAUSE_S * 2**tries)


def _continue(session: requests.Session, wanted: Wanted, part: Path, advance: Advance) -> None:
    """Ask for what is missing of a part and append it; start again where the server sends the whole."""
    start, validator = _size(part), part.with_name(part.name + ".etag")
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and validator.is_file():
        headers["If-Range"] = validator.read_text(encoding="utf-8")
    with session.get(address(wanted.url), headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == 416:  # nothing is missing, or the part is longer than the file
            if answer.headers.get("Content-Range", "").rpartition("/")[2] != str(start):
                part.unlink()
                advance(-start)
                return _continue(session, wanted, part, advance)
            validator.unlink(missing_ok=True)
            return None
        _check(answer, wanted.url)
        if answer.status_code != 206 and start:
            advance(-start)
        named = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        if named and not named.startswith("W/"):
            validator.write_text(named, encoding="utf-8")
        with part.open("ab" if answer.status_code == 206 else "wb") as out:
            for piece in answer.iter_content(CHUNK):
                out.write(piece)
                advance(len(piece))
            out.flush()
            os.fsync(out.fileno())
        _check_length(answer, part)
    validator.unlink(missing_ok=True)
    return None


def _check(answer: requests.Response, url: str) -> None:
    """Raise UsageError for an error of the server, and for a page that came in the place of a file."""
    if answer.status_code >= 400:
        raise UsageError(
            f"The publisher's server answered {answer.status_code} for {url}: the file may have moved, or a sign-in "
            "may be needed."
        )
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise UsageError(f"A web page came instead of a file for {url}: open it in a browser to see what it asks for.")


def _check_length(answer: requests.Response, part: Path) -> None:
    """Raise ConnectionError where a connection ended before the length that the server stated."""
    import requests

    total = answer.headers.get("Content-Range", "").rpartition("/")[2] or answer.headers.get("Content-Length", "")
    if total.isdigit() and part.stat().st_size < int(total):
        raise requests.ConnectionError("the connection ended early")


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _unreachable(url: str) -> UsageError:
    return UsageError(
        f"The publisher's server {urlsplit(url).netloc} cannot be reached or breaks off: the same command goes on from "
        "here later."
    )
