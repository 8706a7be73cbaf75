"""Restoring a backup into a new folder, which is whole and without anybody who was erased, or is not there.

Every digest and the chain of the audit are verified. Who was erased since the backup was made is known from the lists
of later backups, and from one that is given; opening the workspace erases them again (engine.workspace.erasure).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.actor import Actor
from engine.audit.checkpoint import Checkpoint
from engine.audit.verify import verify
from engine.errors import UsageError, WorkspaceError
from engine.files import sha256_of, sync
from engine.store import second
from engine.store.acts import Act
from engine.store.audit_file import AuditFile
from engine.store.database import FILE_NAME, migrations
from engine.store.people import FILE as PEOPLE
from engine.store.people import People
from engine.upkeep.backup import copy_and_digest
from engine.upkeep.backup_manifest import FILE as MANIFEST
from engine.upkeep.backup_manifest import BackupManifest, read_manifest, whole_backups
from engine.workspace.certificate import certificates
from engine.workspace.erased import FILE as ERASED
from engine.workspace.erased import merge_erased
from engine.workspace.workspace import open_workspace

UNFINISHED = ".restoring-"  # before the name of the folder
SPARE = 1.2  # room that is asked for, as a multiple of the backup: it may be written anew


@dataclass(frozen=True)
class Restored:
    """What was restored. erased: erasures that were done again; accounts: whether people sign in again"""

    backup: Path
    manifest: BackupManifest
    erased: int
    accounts: bool


def chosen(backup: Path) -> Path:
    """Return a backup, or the newest whole one of a folder of backups; UsageError where there is none."""
    if (backup / MANIFEST).is_file():
        return backup
    found = whole_backups(backup)
    if not found:
        raise UsageError(f"There is no whole backup in {backup}: name the folder that `casebind backup` was given.")
    return found[-1]


def check(backup: Path, against: Checkpoint | None = None) -> BackupManifest:
    """Read every file of a backup and its audit; return the manifest, WorkspaceError for the first that is damaged.

    against : a checkpoint of the audit from elsewhere
    """
    manifest = read_manifest(backup)
    for name, one in manifest.files.items():
        try:
            is_whole = sha256_of(backup / name) == one.sha256
        except OSError:
            is_whole = False
        if not is_whole:
            raise _damaged(backup, name)
    _check_audit(backup, against)
    return manifest


def restore(
    backup: Path, into: Path, *, actor: Actor, erased: Sequence[Path] = (), against: Checkpoint | None = None
) -> Restored:
    """Restore a backup into a folder that is not there or empty, and open it once.

    erased  : further lists of who was erased (erased.json), such as that of the workspace which is replaced
    against : a checkpoint of the audit from elsewhere
    Raises UsageError where the folder is in use, WorkspaceError where the backup is damaged: then nothing is there.
    """
    into = into.expanduser().absolute()
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(
            f"{into} is not empty: name a folder that is not there yet, the workspace itself is left alone."
        )
    manifest = read_manifest(backup)
    newest = migrations()[-1][0]
    if manifest.schema > newest:
        raise WorkspaceError(
            f"The backup has schema version {manifest.schema} and this Casebind knows {newest}: restore it with "
            f"version {manifest.casebind}."
        )
    part = into.with_name(f"{UNFINISHED}{into.name}")
    try:
        shutil.rmtree(part, ignore_errors=True)  # by a process that was killed
        part.mkdir(mode=0o700, parents=True)
        _check_room(part, manifest)
        done = _filled(backup, manifest, part, actor=actor, lists=_lists(backup, manifest, erased), against=against)
        os.sync()
        if into.exists():
            into.rmdir()
        part.rename(into)
        sync(into.parent)
    except OSError as problem:
        raise WorkspaceError(f"{into} could not be restored ({problem.strerror or problem}).") from problem
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return done


def _filled(
    backup: Path,
    manifest: BackupManifest,
    part: Path,
    *,
    actor: Actor,
    lists: Sequence[Path],
    against: Checkpoint | None,
) -> Restored:
    """Fill the folder, verify what is in it, and open it, which erases again."""
    for name, one in manifest.files.items():
        target = part / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            is_whole = copy_and_digest(backup / name, target) == (one.sha256, one.bytes)
        except FileNotFoundError:
            is_whole = False
        if not is_whole:
            raise _damaged(backup, name)
    _check_audit(part, against)
    merge_erased(part, lists)
    has_accounts = (part / PEOPLE).is_file()
    if has_accounts:
        people = People(part)
        people.end_everything(time.time(), actor=actor)
        people.close()
    with AuditFile(part) as audit:
        audit.append(actor, Act("restored", about={"backup": manifest.made, "rows": manifest.rows}))
    second.begin_journal(part / FILE_NAME)
    before = len(certificates(part))
    with open_workspace(part):
        pass
    return Restored(backup, manifest, len(certificates(part)) - before, has_accounts)


def _lists(backup: Path, manifest: BackupManifest, given: Sequence[Path]) -> list[Path]:
    """Return the lists of the erased that are known: of all backups of the workspace beside this one, and the given."""
    found = []
    for path in given:
        if not path.is_file():
            raise UsageError(f"There is no list {path}: name the erased.json of a workspace.")
        found.append(path)
    for other in whole_backups(backup.absolute().parent):
        try:
            same = read_manifest(other).workspace == manifest.workspace
        except WorkspaceError:
            continue
        if same and (other / ERASED).is_file():
            found.append(other / ERASED)
    return found


def _check_audit(folder: Path, against: Checkpoint | None) -> None:
    with AuditFile(folder, read_only=True) as audit:
        found = verify(audit, folder, against)
    if not found.is_whole:
        raise WorkspaceError(f"The audit in {folder} is not whole. {found.sentence}")


def _check_room(part: Path, manifest: BackupManifest) -> None:
    wanted, free = int(manifest.bytes * SPARE), shutil.disk_usage(part).free
    if free < wanted:
        raise WorkspaceError(
            f"There is no room to restore: the disk has {free // 2**20:,} MiB free and needs {wanted // 2**20:,}."
        )


def _damaged(backup: Path, name: str) -> WorkspaceError:
    return WorkspaceError(f"The backup {backup} is damaged, its file {name} is not as it was: take another one.")
