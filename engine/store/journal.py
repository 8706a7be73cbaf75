"""The journal of a workspace: a second copy of every change since the last checkpoint, against which the log is held.

DuckDB appends each commit to its write-ahead log, `casebind.duckdb.wal`, and moves the log into the database at a
checkpoint. It replays a damaged log up to the damage and says nothing of what came after. So each commit's bytes of the
log are copied into `casebind.journal` too, numbered by the sequence `commit_number` and with a checksum, before the
change is acknowledged; a checkpoint empties the journal. `engine.store.recovery` compares the two at opening.

The file is lines of text:

    casebind journal 1 base <16 digits> last <16 digits> <CRC-32>      written anew in place with every change
    <CRC-32> {"number": 7, "at": "2026-11-29T08:10:00", "offset": 260, "tables": ["ratings"], "log": "<base64>"}

base : number of the last change that the database had when the journal was emptied
last : number of the last change that was acknowledged, so that it is known even where the lines are lost
"""

from __future__ import annotations

import binascii
import json
import os
import re
import threading
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import WorkspaceError
from engine.files import sync, utc_now

try:
    import fcntl
except ImportError:  # where files are not locked this way, the lock of DuckDB is the only one
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".journal"  # in the place of the suffix of the database
HEADER = re.compile(rb"(casebind journal 1 base (\d{16}) last (\d{16}) )([0-9a-f]{8})")
LINE = re.compile(rb"([0-9a-f]{8}) (.*)")
HEADER_BYTES = 72
HEAD_BYTES = 256  # of the log: its own header and its first checksums
SEARCHED_BYTES = 1 << 18  # of a change, for the names of tables
_sync = getattr(os, "fdatasync", os.fsync)
_open: set[Path] = set()  # journals of this process: its locks would not keep out itself
_open_lock = threading.Lock()


@dataclass(frozen=True)
class Change:
    """One acknowledged transaction: its number, its UTC time, the tables it wrote, its bytes of the log and where."""

    number: int
    at: str
    offset: int
    tables: tuple[str, ...]
    log: bytes

    @property
    def end(self) -> int:
        """The offset in the log just after it."""
        return self.offset + len(self.log)

    def stands_in(self, log: bytes) -> bool:
        """Say whether a log has it, byte for byte."""
        return log[self.offset : self.end] == self.log


@dataclass(frozen=True)
class JournalContent:
    """What a journal says.

    new     : the file was empty or not there
    base    : number of the last change that the database had when the journal was emptied; None where unreadable
    last    : number of the last acknowledged change, as far as it can be read
    damaged : something of the file cannot be read
    """

    new: bool
    base: int | None
    last: int
    changes: tuple[Change, ...]
    damaged: bool


class Journal:
    """One open journal, locked for this process."""

    def __init__(self, path: Path, log: Path) -> None:
        """Open and lock the file, made where there is none. Raises BlockingIOError where another process has it."""
        self.path, self.log = path, log
        self.failure = ""  # why the last change could not be written
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is not None:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync(path.parent)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._tables = re.compile(b"(?!)")
        self._base = self._last = 0
        self._offset, self._length = 0, HEADER_BYTES  # up to where the log is copied; of the journal's good lines
        self._head = b""  # how the copied log begins, which is never the same after a checkpoint

    @property
    def log_bytes(self) -> int:
        """The size of the log, 0 where it is not there."""
        return self.log.stat().st_size if self.log.exists() else 0

    def read(self) -> JournalContent:
        """Return what the file says."""
        raw = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        if not raw:
            return JournalContent(True, 0, 0, (), False)
        *lines, torn = raw.split(b"\n")
        header = next((found for line in lines[:1] if (found := _header(line)) is not None), None)
        read = [_change(line) for line in (lines if header is None else lines[1:])]
        changes = [one for one in read if one is not None and (header is None or one.number > header[0])]
        damaged = bool(torn) or header is None or None in read
        numbers = [one.number for one in changes] + ([] if header is None else [header[1]])
        return JournalContent(False, header[0] if header else None, max(numbers, default=0), tuple(changes), damaged)

    def start(self, tables: Iterable[str]) -> None:
        """Say which tables changes may name."""
        names = b"|".join(re.escape(bytes([len(name)]) + name.encode()) for name in tables)
        self._tables = re.compile(names or b"(?!)")

    def cut(self, number: int) -> None:
        """Empty the journal: the database has every change up to `number`."""
        self._base = self._last = number
        self._offset, self._length, self._head = 0, HEADER_BYTES, b""
        self._write(self._header(), 0)  # first: lines up to its base count no more
        os.ftruncate(self._descriptor, HEADER_BYTES)
        _sync(self._descriptor)

    def follow(self, number: int) -> None:
        """Copy what a commit added to the log, on disk when this returns; a commit that was a checkpoint empties it.

        A disk that is full leaves the reason in `failure`: the log itself has the change, and the next one copies it.
        """
        try:
            if bytes_from(self.log, 0, len(self._head)) != self._head:  # a checkpoint began it anew, or ended it
                self.cut(self._last)
            added = bytes_from(self.log, self._offset)
            if added:
                self._append(Change(number, utc_now().isoformat(timespec="seconds"), self._offset, (), added))
            else:
                self.cut(number)
            self.failure = ""
        except OSError as error:
            self.failure = error.strerror or type(error).__name__
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._length)

    def close(self) -> None:
        """Unlock and close the file; a log that is gone by now stands in the database, so the journal is emptied."""
        try:
            if self._last and not bytes_from(self.log):
                self.cut(self._last)
        except OSError:
            return  # the lines stay: their numbers say at the next opening that the database has them
        finally:
            os.close(self._descriptor)
            with _open_lock:
                _open.discard(self.path)

    def _append(self, change: Change) -> None:
        found = dict.fromkeys(name[1:].decode() for name in self._tables.findall(change.log[:SEARCHED_BYTES]))
        content = {"number": change.number, "at": change.at, "offset": change.offset, "tables": list(found)}
        content["log"] = binascii.b2a_base64(change.log, newline=False).decode()
        text = json.dumps(content).encode()
        line = b"%08x %b\n" % (zlib.crc32(text), text)
        self._last = change.number
        self._write(line, self._length)
        self._write(self._header(), 0)
        _sync(self._descriptor)
        self._offset, self._length = change.end, self._length + len(line)
        self._head = self._head or change.log[:HEAD_BYTES]

    def _write(self, data: bytes, offset: int) -> None:
        while data:  # a disk that is nearly full takes a part, then refuses
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written

    def _header(self) -> bytes:
        text = b"casebind journal 1 base %016d last %016d " % (self._base, self._last)
        return b"%b%08x\n" % (text, zlib.crc32(text))


def open_journal(database: Path) -> Journal | None:
    """Open the journal of a database file; None where this process has it open already.

    Raises BlockingIOError where another process has it, WorkspaceError where it cannot be opened.
    """
    path = database.with_suffix(SUFFIX)
    with _open_lock:
        if path in _open:
            return None
        try:
            journal = Journal(path, log_of(database))
        except BlockingIOError:
            raise
        except OSError as error:
            raise WorkspaceError(
                f"The workspace {path.parent} cannot be opened ({error.strerror}: {path.name}): check who may write in "
                "its folder, or pass --workspace with another folder."
            ) from error
        _open.add(path)
        return journal


def log_of(database: Path) -> Path:
    """Return where DuckDB keeps the write-ahead log of a file."""
    return database.with_name(f"{database.name}.wal")


def bytes_from(file: Path, offset: int = 0, most: int = -1) -> bytes:
    """Return the bytes of a file behind an offset, all or at most so many; none where it is not there."""
    try:
        with file.open("rb") as handle:
            handle.seek(offset)
            return handle.read(most)
    except FileNotFoundError:
        return b""


def _header(line: bytes) -> tuple[int, int] | None:
    """Return base and last of the first line, or None where it cannot be read."""
    found = HEADER.fullmatch(line)
    if found is None or int(found[4], 16) != zlib.crc32(found[1]):
        return None
    return int(found[2]), int(found[3])


def _change(line: bytes) -> Change | None:
    """Return the change of a line, or None where it cannot be read."""
    found = LINE.fullmatch(line)
    if found is None or int(found[1], 16) != zlib.crc32(found[2]):
        return None
    content = json.loads(found[2])
    log = binascii.a2b_base64(content["log"])
    return Change(content["number"], content["at"], content["offset"], tuple(content["tables"]), log)
