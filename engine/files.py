"""Files on disk: digests, and writing one whole or not at all; and the time that is written into them."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

Content = bytes | str | Callable[[BinaryIO], object]  # text becomes UTF-8; a function writes to the open file


def sha256_of(file: Path) -> str:
    """Return a file's SHA-256 as hex."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_whole(path: Path, content: Content, *, durable: bool = True, mode: int = 0o666) -> None:
    """Write a file whole or not at all; what is there stays until the new one is complete. Raises OSError.

    durable : whether the file survives a power cut from now on, not only the end of this process
    mode    : its permissions, less those that the process masks
    """
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as out:
            _fill(out, content)
            out.flush()
            if durable:
                os.fsync(descriptor)
        os.replace(temporary, path)
        if durable:
            sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def create_private(path: Path) -> None:
    """Create an empty file for its owner alone where there is none; one that is there is not opened.

    To open and close a file that this process has open by SQLite would give up SQLite's locks on it (SQLite, How To
    Corrupt An SQLite Database File, section 2.2): another process could then take its log away.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def sync(path: Path) -> None:
    """Put a file, or a folder's list of files, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def utc_now() -> datetime:
    """Return the present as a naive UTC time, as the tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


def _fill(out: BinaryIO, content: Content) -> None:
    if callable(content):
        content(out)
    else:
        out.write(content.encode() if isinstance(content, str) else content)
