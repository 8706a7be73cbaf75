"""Backups: the database of one moment, what it names, the audit, the accounts; in a folder whole or not there.

The process that has the workspace open copies the database (`copy_database`), another one may do all the rest: so the
running app needs no right to write among the backups. Content files never change, so one that the last backup has is
linked to there; never to the workspace's own, since one bad block would be in both.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.actor import Actor
from engine.errors import UsageError, WorkspaceError
from engine.files import sync, utc_now
from engine.store import second
from engine.store.acts import Act
from engine.store.audit_file import FILE as AUDIT
from engine.store.audit_file import AuditFile
from engine.store.data_keys import FILE as KEYS
from engine.store.database import FILE_NAME
from engine.store.people import FILE as PEOPLE
from engine.store.received import FILE as RECEIVED
from engine.upkeep.backup_manifest import BackedUpFile, BackupManifest, read_manifest, whole_backups, write_manifest
from engine.version import __version__
from engine.workspace.byte_search import files_below
from engine.workspace.erasure import COPIES
from engine.workspace.workspace import Workspace

try:
    import fcntl
except ImportError:  # where files are not locked this way, two backups at once are for the site to keep apart
    fcntl = None  # type: ignore[assignment]

DATABASE, SQLITE, NAMED, PLAIN, LEFT = "database", "sqlite", "named", "plain", "left"
ACKNOWLEDGED = "acknowledged"  # objects and their ledger
INBOX, OBJECTS = "inbox", (".dcm", ".upload", ".hl7", ".json")  # files of other names are not whole
LEDGER = f"{INBOX}/{RECEIVED}"
WAYS = {  # what lies in the folder of a workspace → how it comes into a backup, or that it is left out
    FILE_NAME: DATABASE,
    f"{FILE_NAME}.wal": LEFT,  # the copy of the database has it
    "casebind.journal": LEFT,  # likewise
    "studies": NAMED,
    "queries": NAMED,
    "maps": LEFT,  # made anew
    "monitor": LEFT,  # gathered anew; what was found is in the database
    "reports": PLAIN,
    "rounds": PLAIN,
    "casebind-errors.log": PLAIN,
    "releases": PLAIN,
    "requests": LEFT,  # of this moment
    "erasures": LEFT,  # the list of the erased makes a restored workspace do them again
    "rewrite-due": LEFT,  # the copy of the database is written anew
    COPIES: LEFT,
    "certificates": PLAIN,
    "erased.json": PLAIN,
    AUDIT: SQLITE,
    f"{AUDIT}-wal": LEFT,
    f"{AUDIT}-shm": LEFT,
    "checkpoints": PLAIN,
    PEOPLE: SQLITE,
    f"{PEOPLE}-wal": LEFT,
    f"{PEOPLE}-shm": LEFT,
    "pairing.toml": PLAIN,
    "policies": PLAIN,
    "sign_in.toml": PLAIN,
    "columns.txt": PLAIN,
    "pacs.toml": PLAIN,
    INBOX: ACKNOWLEDGED,  # what a sender was told that it is kept, and is in no study yet
    "key": PLAIN,
    KEYS: SQLITE,  # after the files: whose keys were destroyed meanwhile is on the list of the erased
    f"{KEYS}-wal": LEFT,
    f"{KEYS}-shm": LEFT,
    "settings.json": PLAIN,
    "demo.json": PLAIN,
}
UNFINISHED, GOING = ".unfinished-", ".going-"  # before the name of a backup
TRIES = 3  # while studies are removed as they are copied
NAMED_IN_S = 2.0  # names differ by a second
BLOCK = 1 << 20
CopyDatabase = Callable[[], Path]


@dataclass(frozen=True)
class Backup:
    """A backup that was made. linked: how many of its files the one before has too; dropped: older ones that went"""

    path: Path
    manifest: BackupManifest
    linked: int
    dropped: int


class _GoneError(Exception):
    """A content file went while it was to be copied."""


def copy_database(workspace: Workspace) -> Path:
    """Copy the database as it is at this moment into the workspace's folder; return the file, which is the caller's."""
    home = workspace.path / COPIES
    home.mkdir(mode=0o700, exist_ok=True)
    file = home / f"{secrets.token_hex(8)}.duckdb"
    second.copy_whole(workspace.database, file)
    return file


def back_up(folder: Path, store: Path, copy: CopyDatabase, *, actor: Actor, keep: int | None = None) -> Backup:
    """Make a backup of a workspace's folder in a folder of backups, on disk when this returns.

    copy : has the database copied, by whichever process has it open
    keep : how many whole backups are left in the end; None for all
    Raises WorkspaceError where it cannot be made; those that are there stay as they are.
    """
    if not (folder / FILE_NAME).is_file():
        raise WorkspaceError(f"There is no workspace at {folder}: name another by --workspace.")
    store = store.expanduser().absolute()
    if store == folder.absolute() or folder.absolute() in store.parents:
        raise UsageError("A backup inside the workspace would go with it: name a folder elsewhere.")
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(store), _alone(folder):
            return _made(folder, store, copy, actor, keep)
    except OSError as problem:
        raise WorkspaceError(f"The backup in {store} could not be made ({problem.strerror or problem}).") from problem


def _made(folder: Path, store: Path, copy: CopyDatabase, actor: Actor, keep: int | None) -> Backup:
    for left in [*store.glob(f"{UNFINISHED}*"), *store.glob(f"{GOING}*")]:  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    before = _last(store, folder)
    for tries_left in reversed(range(TRIES)):
        name = _next_name(store)
        part = store / f"{UNFINISHED}{name}"
        part.mkdir(mode=0o700)
        try:
            with suppress(_GoneError):
                manifest, linked = _Filling(folder, part, before, lenient=not tries_left).fill(copy, actor)
                break
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        shutil.rmtree(part)
    os.sync()
    part.rename(store / name)
    sync(store)
    return Backup(store / name, manifest, linked, _drop(store, keep))


class _Filling:
    """Fills the folder of one backup.

    before  : the backup before, and its manifest
    lenient : whether content files that are not there are listed; else _GoneError
    """

    def __init__(self, folder: Path, part: Path, before: tuple[Path, BackupManifest] | None, *, lenient: bool) -> None:
        self._folder, self._part, self._lenient = folder, part, lenient
        self._before, self._known = (folder, {}) if before is None else (before[0], before[1].files)
        self._files: dict[str, BackedUpFile] = {}
        self._missing: list[str] = []
        self._linked = 0

    def fill(self, copy: CopyDatabase, actor: Actor) -> tuple[BackupManifest, int]:
        """Fill it; return its manifest, which is written last, and how many files are linked."""
        made = utc_now()
        with suppress(OSError):
            shutil.rmtree(self._folder / COPIES)
        self._take_inbox()  # before the database: what is taken up meanwhile is in both, and is known again
        self._move(copy(), FILE_NAME)  # first: all that follows is as new, and who was erased since is on the list
        named = second.named_in(self._part / FILE_NAME)
        for home, files in (("studies", named.studies), ("queries", named.queries)):
            for file in files:
                self._take_content(f"{home}/{file}")
        for name in sorted(one for one, way in WAYS.items() if way == PLAIN):
            self._take_plain(name)
        with AuditFile(self._folder) as audit:
            rows = audit.append(actor, Act("backup", about={"backup": made.isoformat(timespec="seconds")}))
            workspace = audit.workspace()
        for name in (one for one, way in WAYS.items() if way == SQLITE and (self._folder / one).is_file()):
            self._take_sqlite(name)
        manifest = BackupManifest(
            made.isoformat(timespec="seconds"),
            __version__,
            named.schema,
            workspace,
            rows,
            self._files,
            tuple(self._missing),
        )
        write_manifest(self._part, manifest)
        return manifest, self._linked

    def _take_inbox(self) -> None:
        """Take the ledger, then what waits and what is kept aside, of objects that were there before the ledger.

        What is acknowledged later is of a later backup. What is moved meanwhile is looked for once more; what is
        stored meanwhile is in the database, which follows.
        """
        if not (self._folder / LEDGER).is_file():
            return
        began_ns = time.time_ns()
        (self._part / INBOX).mkdir(mode=0o700)
        self._take_sqlite(LEDGER)
        for _ in range(2):
            for file in files_below(self._folder / INBOX):
                name = file.relative_to(self._folder).as_posix()
                with suppress(FileNotFoundError):
                    if name not in self._files and name.endswith(OBJECTS) and file.stat().st_mtime_ns <= began_ns:
                        self._take(name)

    def _take_sqlite(self, name: str) -> None:
        second.copy_sqlite(self._folder / name, self._part / name)
        self._note(name)

    def _move(self, source: Path, name: str) -> None:
        try:
            os.replace(source, self._part / name)
        except FileNotFoundError:  # an erasure deletes copies
            raise _GoneError from None
        except OSError:  # another disk
            shutil.copyfile(source, self._part / name)
            source.unlink(missing_ok=True)
        (self._part / name).chmod(0o600)
        self._note(name)

    def _take_content(self, name: str) -> None:
        try:
            self._take(name)
        except FileNotFoundError:
            if not self._lenient:
                raise _GoneError from None
            self._missing.append(name)

    def _take_plain(self, name: str) -> None:
        source = self._folder / name
        for file in files_below(source) if source.is_dir() else [source]:
            path = file.relative_to(self._folder)
            if any(part.startswith(".") for part in path.parts) or path.match("rounds/*/in.npz"):
                continue  # being written, or the input of a round, which goes at its end
            with suppress(FileNotFoundError):
                self._take(path.as_posix())

    def _take(self, name: str) -> None:
        """Link a file to the backup before where it is the same there, else copy it."""
        source, target = self._folder / name, self._part / name
        state, known = source.stat(), self._known.get(name)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if known is not None and (known.bytes, known.changed) == (state.st_size, state.st_mtime_ns):
            with suppress(OSError):  # a file system without links, or the file is gone there
                os.link(self._before / name, target)
                self._files[name], self._linked = known, self._linked + 1
                return
        self._files[name] = BackedUpFile(*copy_and_digest(source, target), state.st_mtime_ns)

    def _note(self, name: str) -> None:
        file = self._part / name
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        state = file.stat()
        self._files[name] = BackedUpFile(digest, state.st_size, state.st_mtime_ns)


def copy_and_digest(source: Path, target: Path) -> tuple[str, int]:
    """Copy a file with its permissions; return SHA-256 and size of what was copied."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as from_, target.open("xb") as to:
        while block := from_.read(BLOCK):
            digest.update(block)
            size += to.write(block)
    shutil.copymode(source, target)
    return digest.hexdigest(), size


def _last(store: Path, folder: Path) -> tuple[Path, BackupManifest] | None:
    """Return the newest backup; None where there is none. UsageError where it is another workspace's."""
    for path in reversed(whole_backups(store)):
        try:
            manifest = read_manifest(path)
        except WorkspaceError:
            continue
        with AuditFile(folder) as audit:
            if manifest.workspace != audit.workspace():
                raise UsageError(f"{store} holds backups of another workspace: name a folder of this one's own.")
        return path, manifest
    return None


def _next_name(store: Path) -> str:
    """Return the name of a new backup, a later one than those that are there."""
    last = max((one.name for one in whole_backups(store)), default="")
    until = time.monotonic() + NAMED_IN_S
    while (name := f"{utc_now():%Y%m%dT%H%M%SZ}") <= last:
        if time.monotonic() > until:
            raise UsageError(f"The last backup is of {last}, which is still to come: set the clock right.")
        time.sleep(0.1)
    return name


def _drop(store: Path, keep: int | None) -> int:
    """Delete the oldest backups but for so many; return how many went. One that is half deleted is none any more."""
    old = [] if keep is None else whole_backups(store)[: -max(keep, 1)]
    for path in old:
        going = path.rename(store / f"{GOING}{path.name}")
        shutil.rmtree(going, ignore_errors=True)
    return len(old)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder for one backup at a time; UsageError where another one is being made."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("Another backup is being made: wait for its end.") from None
        yield
    finally:
        os.close(descriptor)
