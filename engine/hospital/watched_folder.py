"""A watched folder: what devices and people put into it goes into the inbox, as if the archive had sent it.

It is looked at again and again, since shares tell nothing of what another machine writes. A file is taken once two
looks some seconds apart found it unchanged, and a WFDB header once all files that it names are there. It is in the
inbox, on disk, before it leaves the folder; the same bytes twice are one object there. Whatever is killed at whatever
moment, the next look goes on: nothing is lost, and nothing comes twice.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path

from pydicom import dcmread

from engine.errors import CasebindError, IntakeError, UsageError, brief
from engine.files import write_whole
from engine.hospital.classes import name_of
from engine.hospital.inbox import NUMBER, Inbox
from engine.hospital.settings import FolderSettings
from engine.hospital.shared_folder import SharedFolder, Signature
from engine.intake.dicom import WithinLimits
from engine.intake.formats import READABLE, refusal, sniff
from engine.intake.upload import MEGABYTE, Upload
from engine.intake.wfdb_header import NULL, Header, find, parse_header
from engine.store.acts import Act
from engine.store.audit_file import SYSTEM, AuditFile
from engine.store.received import Origin

SENDER = "watched folder"
HEAD = 1 << 16  # bytes by which a kind is told
DICOM, ZIP, WFDB = "dicom", "zip", "wfdb"
LOCK, MOVING = "watched.lock", "moving.json"  # in the folder of the inbox
EMPTY = "The file is empty (0 bytes), so there is nothing to read: export it again and drop the new file."
NOT_UTF8 = "A name of the files of the record is not written in UTF-8: rename the record, or pack it as a zip."
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Seconds: between looks, for which a file has to be unchanged, and for which a file waits for those beside it."""

    look_s: float = 5.0
    unchanged_s: float = 2.0
    beside_s: float = 60.0


@dataclass
class _Seen:
    """What is known of a file. since: when it was first seen as it is; kind, header: "" and None until it was read."""

    signature: Signature
    since: float
    kind: str = ""
    header: Header | None = None
    is_received: bool = False


@dataclass(frozen=True)
class _Record:
    """A WFDB record: names of its files that are there beside its header, and of those that are not."""

    parts: tuple[str, ...]
    missing: tuple[str, ...]


class WatchedFolder:
    """The folder that a workspace watches, from its making to `close`; one process at a time."""

    def __init__(self, workspace: Path, settings: FolderSettings, pace: Pace = Pace()) -> None:
        """Begin. UsageError where the folder cannot be watched, or another process does."""
        self._path, self._settings, self._pace = Path(settings.path), settings, pace
        if workspace.resolve() in (self._path.resolve(), *self._path.resolve().parents):
            raise UsageError("The watched folder lies in the workspace: name another one in [folder] of pacs.toml.")
        SharedFolder(self._path).close()
        self._inbox, self._audit = Inbox(workspace), AuditFile(workspace)
        self._lock = os.open(self._inbox.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise UsageError("Another process watches the folder of this workspace: stop that one first.") from error
        self._seen: dict[str, _Seen] = {}
        self._said: set[str] = set()  # troubles of the look before
        self._trouble: set[str] = set()
        self._ended = threading.Event()

    def close(self) -> None:
        """End; what was taken is on disk."""
        os.close(self._lock)
        self._audit.close()
        self._inbox.close()

    def watch(self, ended: threading.Event) -> None:
        """Look until it is ended."""
        self._ended, pause = ended, 0.0
        while not ended.wait(pause):
            pause = self.look(time.monotonic())

    def look(self, now: float) -> float:
        """Take what is whole; return after how many seconds to look again.

        now : seconds of a clock that does not go back
        A trouble is said once, into the log, until a look passes without any.
        """
        self._said, self._trouble = self._trouble, set()
        self._guarded("The watched folder was not looked at", lambda: self._looked(now))
        fresh = any(now - one.since < self._pace.unchanged_s for one in self._seen.values())
        return min(self._pace.look_s, self._pace.unchanged_s) if fresh else self._pace.look_s

    def _looked(self, now: float) -> None:
        with SharedFolder(self._path) as folder:
            self._finish_moving(folder)
            found = folder.listing()
            self._seen = {name: self._sighted(name, signature, now) for name, signature in found.items()}
            whole = {name for name, one in self._seen.items() if now - one.since >= self._pace.unchanged_s}
            for name in self._in_turn(whole):
                self._guarded("A file of the watched folder was not read", partial(self._know, folder, name))
            records = {name: self._record(name, one.header) for name in whole if (one := self._seen[name]).header}
            claimed = {part for record in records.values() for part in record.parts}
            for name in self._in_turn(whole - claimed):
                decide = partial(self._decide, folder, name, records.get(name), now)
                self._guarded("A file of the watched folder was not taken", decide)

    def _in_turn(self, names: set[str]) -> Iterator[str]:
        """Yield names in their order, until the watching is ended."""
        yield from takewhile(lambda _: not self._ended.is_set(), sorted(names))

    def _sighted(self, name: str, signature: Signature, now: float) -> _Seen:
        before = self._seen.get(name)
        return before if before is not None and before.signature == signature else _Seen(signature, now)

    def _know(self, folder: SharedFolder, name: str) -> None:
        """Read by the head of a file what kind it is, and the names in a WFDB header."""
        one = self._seen[name]
        if one.kind or not one.signature.size or self._is_large(one):
            return
        head = folder.read(name, one.signature, HEAD)
        if head is None:
            return
        one.kind = sniff(head)
        if one.kind == WFDB and (data := folder.read(name, one.signature)) is not None:
            try:
                one.header = parse_header(data)
            except IntakeError as error:
                self._refuse(folder, [name], str(error))

    def _record(self, name: str, header: Header | None) -> _Record:
        """Return which files of a record are there; its segments' headers have to be known before theirs are."""
        parts: list[str] = []
        missing: list[str] = []
        waiting = [] if header is None else [(name, header)]
        while waiting:
            own, known = waiting.pop()
            others = [Upload(other, b"") for other in self._seen if other != own]
            segments = [f"{segment}.hea" for segment, _ in known.segments if segment != NULL]
            for wanted in dict.fromkeys([*known.files, *segments]):
                found = find(wanted, others, Upload(own, b""))
                if found is None:
                    missing.append(wanted)
                elif found.name not in (name, *parts):
                    parts.append(found.name)
                    if wanted in segments and (inner := self._seen[found.name].header) is not None:
                        waiting.append((found.name, inner))
        return _Record(tuple(parts), tuple(missing))

    def _decide(self, folder: SharedFolder, name: str, record: _Record | None, now: float) -> None:
        """Take a file with those beside it, refuse it, or let it wait."""
        names = [name, *(record.parts if record else ())]
        together = [self._seen[one] for one in names]
        latest = max(one.since for one in together)
        waited = now - latest >= self._pace.beside_s
        if large := next((one for one in together if self._is_large(one)), None):
            self._refuse(folder, names, self._too_large(large))
        elif record is not None and record.missing:
            if waited:
                self._refuse(folder, names, self._did_not_come(), missing=record.missing)
        elif now - latest < self._pace.unchanged_s:
            return
        elif not together[0].signature.size:
            if waited:
                self._refuse(folder, names, EMPTY)
        else:
            self._take(folder, names, waited)

    def _take(self, folder: SharedFolder, names: Sequence[str], waited: bool) -> None:
        """Put a study into the inbox, then its files to those that are taken."""
        if not waited and not _is_read(self._seen[names[0]].kind):
            return  # a header that names it may come
        read = [(name, folder.read(name, self._seen[name].signature)) for name in names]
        files = [Upload(name, data) for name, data in read if data is not None]
        if len(files) < len(names):
            return  # written anew since: the next look sees it
        kind = sniff(files[0].data)
        if not _is_read(kind):
            self._refuse(folder, names, str(refusal(files[0], kind)))
            return
        if not self._seen[names[0]].is_received:
            try:
                self._receive(files, kind)
            except IntakeError as error:
                self._refuse(folder, names, str(error))
                return
        self._seen[names[0]].is_received = True
        moving = self._inbox.folder / MOVING
        if len(names) > 1:  # a record that a killed process moved in part would look like one that did not come whole
            write_whole(moving, json.dumps([[name, *self._seen[name].signature] for name in names]), mode=0o600)
        for name in names:
            folder.take(name, self._seen[name].signature)
        moving.unlink(missing_ok=True)

    def _receive(self, files: Sequence[Upload], kind: str) -> None:
        number, sop_class = _numbers(files[0].data) if kind == DICOM else ("", "")
        if number:
            self._inbox.receive(number, files[0].data, Origin(name_of(sop_class), SENDER, self._settings.cohort))
            return
        try:
            named = READABLE[kind].name if kind in READABLE else kind
            self._inbox.receive_upload(files, Origin(named, SENDER, self._settings.cohort))
        except UnicodeEncodeError as error:
            raise IntakeError(NOT_UTF8) from error

    def _refuse(self, folder: SharedFolder, names: Sequence[str], why: str, missing: Sequence[str] = ()) -> None:
        said = "\n".join([why, *(f"Missing: {brief(name)}" for name in missing)])
        for name in names:
            folder.refuse(name, self._seen[name].signature, said)
        kind = self._seen[names[0]].kind
        self._audit.append(SYSTEM, Act("file refused", refused=why, about={"format": kind} if kind else {}))

    def _finish_moving(self, folder: SharedFolder) -> None:
        """Move the files of a record that is in the inbox, where a process was killed meanwhile."""
        moving = self._inbox.folder / MOVING
        if not moving.exists():
            return
        for name, *signature in json.loads(moving.read_text("utf-8")):
            if folder.listing().get(name) == Signature(*signature):
                folder.take(name, Signature(*signature))
        moving.unlink()

    def _guarded(self, what: str, act: Callable[[], object]) -> None:
        """Do something; what the disk or the inbox refuses is said, and tried again at the next look."""
        try:
            act()
        except OSError as error:
            self._say(f"{what} ({error.strerror or type(error).__name__}); it is tried again.")
        except CasebindError as error:
            self._say(str(error))

    def _say(self, sentence: str) -> None:
        if sentence not in self._said and sentence not in self._trouble:
            _log.error("%s", sentence)
        self._trouble.add(sentence)

    def _is_large(self, one: _Seen) -> bool:
        return one.signature.size > self._settings.most_mb * MEGABYTE

    def _too_large(self, one: _Seen) -> str:
        return (
            f"The file has {one.signature.size / MEGABYTE:,.0f} MB and the limit is {self._settings.most_mb} MB: cut "
            "out the part that matters, or export a single study."
        )

    def _did_not_come(self) -> str:
        return (
            f"A file that the WFDB header names did not come within {self._pace.beside_s:g} s: copy all files of the "
            "record together, or pack them as a zip."
        )


def _is_read(kind: str) -> bool:
    """Return whether files of a kind are read; one whose kind is not known yet may be."""
    return kind in READABLE or kind in (ZIP, "")


def _numbers(data: bytes) -> tuple[str, str]:
    """Return SOP instance UID and SOP class of a DICOM file; "" twice where it is to be read as other uploads are."""
    try:
        found = dcmread(WithinLimits(data), stop_before_pixels=True, specific_tags=["SOPInstanceUID", "SOPClassUID"])
        number, sop_class = str(found.get("SOPInstanceUID") or ""), str(found.get("SOPClassUID") or "")
    except Exception:  # pydicom raises many kinds of errors on damaged files
        return "", ""
    return (number, sop_class) if sop_class and NUMBER.fullmatch(number) else ("", "")
