"""The inbox: a folder of the workspace in which objects of the archive lie until they are taken up.

    <workspace>/inbox/new/<SOP instance UID>~<digest>.dcm     received and on disk, so it may be acknowledged
                         /<number>~<digest>.upload            a file of any other format, several of one study as a zip
                         /<UID of a report>~<digest>.hl7      a message; .json: a FHIR resource
                     /aside/<patient>~<object>~<digest>.dcm   kept aside or refused, under the patient's pseudonym
                     /received.db                             ledger of what was received

A file appears under its name whole or not at all, and its name is on disk before anybody is told that it was received.
The files hold what the archive sent, names included: folder and files are their owner's alone.
"""

from __future__ import annotations

import hmac
import io
import os
import re
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from engine.errors import IntakeError
from engine.files import sync, write_whole
from engine.hospital.incoming_report import KINDS
from engine.hospital.incoming_report import SUFFIXES as REPORTS
from engine.intake.upload import Upload
from engine.store.folder import read_key
from engine.store.received import Origin, Received

FOLDER, NEW, ASIDE = "inbox", "new", "aside"
OBJECT, UPLOAD = ".dcm", ".upload"  # a DICOM object; what came in another format
SUFFIXES = (OBJECT, UPLOAD, *REPORTS)
OWNER_ALONE = 0o600
DIGEST = 32  # hex digits
STALE_S = 3600.0  # after which a file that is being written belongs to a process that was killed
NUMBER = re.compile(r"\d[\d.]{0,63}")  # devices write zeros where a UID may have none
UNKNOWN = "unknown"  # where an object names no patient


@dataclass(frozen=True)
class Waiting:
    """One file that waits. object, digest: keyed hashes, as the record has them."""

    file: Path
    object: str
    digest: str

    @property
    def is_upload(self) -> bool:
        """Whether it is no DICOM object, but what uploads may be besides."""
        return self.file.suffix == UPLOAD

    @property
    def bytes(self) -> int:
        """Size of the file; 0 where it is gone."""
        try:
            return self.file.stat().st_size
        except OSError:
            return 0

    def upload(self) -> Upload:
        """Return the file as it is read; OSError where it is gone."""
        return Upload("object.dcm", self.file.read_bytes())


class Inbox:
    """The inbox of one workspace; any number of processes may have it open."""

    def __init__(self, workspace: Path) -> None:
        """Open the inbox, made where there is none; WorkspaceError where the ledger cannot be opened."""
        self.folder = workspace / FOLDER
        self.new, self.aside = self.folder / NEW, self.folder / ASIDE
        for folder in (self.folder, self.new, self.aside):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.key = read_key(workspace)
        self.received = Received(self.folder)

    def __enter__(self) -> Inbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger."""
        self.received.close()

    def key_of(self, uid: str) -> str:
        """Return the keyed hash by which record and ledger name an object of this SOP instance UID."""
        return hmac.new(self.key, f"object {uid}".encode(), sha256).hexdigest()[:DIGEST]

    def receive(self, uid: str, file: bytes, origin: Origin) -> Path:
        """Put an object on disk and into the ledger; return its file. It may be acknowledged then.

        file : the DICOM file, with preamble and file meta information
        Raises IntakeError where the number is no UID, OSError and WorkspaceError where the disk refuses.
        """
        if not NUMBER.fullmatch(uid):
            raise IntakeError("The SOP instance UID of the object is no valid UID: have the sender corrected.")
        return self._put(uid, self._digest(_dataset_of(file)), file, origin)

    def receive_upload(self, files: Sequence[Upload], origin: Origin) -> Path:
        """Put a study that is no DICOM object on disk and into the ledger, as `receive` does; return its file.

        files : all files of one study, in an order that is the same each time. The same bytes are the same object
        """
        content = files[0].data if len(files) == 1 else _zipped(files)
        digest = self._digest(content)
        return self._put(f"2.25.{int(digest, 16)}", digest, content, origin, UPLOAD)

    def _put(self, uid: str, digest: str, content: bytes, origin: Origin, suffix: str = OBJECT) -> Path:
        path = self.new / f"{uid}~{digest}{suffix}"
        write_whole(path, content, mode=OWNER_ALONE)
        self.received.add(self.key_of(uid), digest, origin)
        return path

    def receive_report(self, named: str, data: bytes, suffix: str, origin: Origin) -> None:
        """Put a report on disk and into the ledger, under a UID made of its content and of how its sender names it."""
        made = hmac.new(self.key, f"report {named}\0".encode() + data, sha256).digest()[:16]
        origin = origin._replace(kind=KINDS[suffix])
        self._put(f"2.25.{int.from_bytes(made, 'big')}", self._digest(data), data, origin, suffix)

    def has(self, uid: str) -> bool:
        """Say whether an object was received, whatever became of it."""
        return self.received.has(self.key_of(uid))

    def waiting(self) -> list[Waiting]:
        """Return what waits to be taken up, the oldest first; files of other names are left out."""
        found = [(entry.stat().st_mtime_ns, Path(entry.path)) for entry in _entries(self.new)]
        return [one for _, path in sorted(found) if (one := self._waiting(path)) is not None]

    def origin(self, one: Waiting) -> Origin:
        """Return where an object came from."""
        return self.received.origin(one.object, one.digest) or Origin("", "", "")

    def finish(self, over: Sequence[tuple[Waiting, str | None]]) -> None:
        """Take files out of what waits: kept aside under a patient's pseudonym, or deleted where that is None."""
        for one, keep_for in over:
            if keep_for is None:
                one.file.unlink(missing_ok=True)
            else:
                os.replace(one.file, self.aside / f"{keep_for or UNKNOWN}~{one.file.name}")
        if any(keep_for is not None for _, keep_for in over):
            sync(self.aside)
        if over:
            sync(self.new)

    def put_aside(self) -> list[Waiting]:
        """Return what is kept aside."""
        found = sorted(Path(entry.path) for entry in _entries(self.aside))
        return [one for path in found if (one := self._waiting(path, path.name.partition("~")[2])) is not None]

    def again(self, one: Waiting) -> None:
        """Put a file that is kept aside back to what waits."""
        os.replace(one.file, self.new / one.file.name.partition("~")[2])
        sync(self.new)
        sync(self.aside)

    def clean(self) -> None:
        """Delete what processes left that were killed while they wrote; nobody was told that it was received."""
        for left in self.new.glob(".*.tmp"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - STALE_S:
                    left.unlink()

    def _waiting(self, path: Path, name: str = "") -> Waiting | None:
        uid, _, digest = (name or path.name).removesuffix(path.suffix).partition("~")
        return Waiting(path, self.key_of(uid), digest) if NUMBER.fullmatch(uid) and len(digest) == DIGEST else None

    def _digest(self, dataset: bytes) -> str:
        return hmac.new(self.key, dataset, sha256).hexdigest()[:DIGEST]


def _dataset_of(file: bytes) -> bytes:
    """Return a DICOM file without the part that says who wrote it, by which the same object is known again.

    File meta information begins with its own length (PS3.10 section 7.1); a file without it is taken whole.
    """
    if file[128:140] != b"DICM\x02\x00\x00\x00UL\x04\x00":
        return file
    return file[144 + int.from_bytes(file[140:144], "little") :]


def _zipped(files: Sequence[Upload]) -> bytes:
    """Return files as one zip, the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for one in files:
            packed.writestr(zipfile.ZipInfo(one.name), one.data)
    return out.getvalue()


def count_waiting(workspace: Path) -> int:
    """Return how many files wait, without opening anything."""
    folder = workspace / FOLDER / NEW
    return sum(1 for _ in _entries(folder)) if folder.is_dir() else 0


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files of a folder whose writing is over."""
    with os.scandir(folder) as entries:
        for entry in entries:
            whole = entry.name.endswith(SUFFIXES) and not entry.name.startswith(".")
            if whole and entry.is_file(follow_symlinks=False):
                yield entry
