"""Encrypting a workspace: what is written from now on, then what is there, file by file.

    1. keys.db is made: from here on files are written encrypted
    2. every plain file is replaced by its encrypted form, whole or not; leftovers of killed processes are deleted
    3. reports in words are encrypted in the record, which is then written anew, so that no block has them

A process that is killed in between has lost nothing, and the same command goes on. The rest of the record (names of
findings, ages, codes, embeddings, pseudonyms) is not encrypted: DuckDB's build has no encryption that its makers call
safe to write. So the disk has to be encrypted as well; `disk_is_encrypted` looks.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

from engine.actor import Actor
from engine.errors import UsageError
from engine.store import permission, queries, studies
from engine.store.key_source import checked
from engine.store.workspace_files import MAPS, patient_owner, query_owner
from engine.workspace.deletion import DUE, write_anew
from engine.workspace.workspace import Workspace

REPORTS_AT_ONCE = 2000
MAPPER = Path("dev/block")  # below SYSTEM: devices by their numbers
SYSTEM = Path("/sys")
CRYPT = "CRYPT-"  # before the id of a device that dm-crypt (LUKS) makes


@dataclass(frozen=True)
class Encrypted:
    """How far a workspace is encrypted. source : of the workspace key, "" where nothing is encrypted

    done : files that this call encrypted. left : files and reports that stand there plain. keys : how many there are
    """

    source: str
    done: int
    left: int
    keys: int


def state(workspace: Workspace) -> Encrypted:
    """Return how far a workspace is encrypted."""
    if not workspace.files.is_encrypting:
        return Encrypted("", 0, 0, 0)
    keys = workspace.files.keys
    return Encrypted(keys.source, 0, len(workspace.files.plain()) + _reports_left(workspace), len(keys))


def begin(workspace: Workspace, source: str, *, actor: Actor) -> None:
    """Write encrypted from now on, under the workspace key from a source. Nothing happens where that is so already.

    Raises UsageError where the source is none, lies in the workspace, or another one is in use.
    """
    permission.require(workspace.database, actor, "people")
    if workspace.files.is_encrypting:
        if source and checked(source, workspace.path) != workspace.files.keys.source:
            raise UsageError("The workspace is encrypted under another key: --rotate changes it for this one.")
        return
    if not source:
        raise UsageError("Say where the key is to be: file:PATH, credential:NAME or command:WORDS.")
    workspace.files.begin(checked(source, workspace.path))
    workspace.audit("encrypted", actor=actor)


def encrypt_plain(workspace: Workspace, seconds: float = math.inf) -> Encrypted:
    """Encrypt what stands there plain, for so many seconds; the same call goes on."""
    files, until, done = workspace.files, time.monotonic() + seconds, 0
    owners = _owners(workspace)
    for path in files.plain():
        if time.monotonic() > until:
            break
        if path.name.endswith(".tmp"):  # by a process that was killed: whoever writes now writes encrypted
            files.delete([path])
        else:
            done += files.encrypt(path, owners.get(path, MAPS if path.parent.name == MAPS else f"file {path.name}"))
    if time.monotonic() <= until:
        _encrypt_reports(workspace, until)
    now = state(workspace)
    return Encrypted(now.source, done, now.left, now.keys)


def rotate(workspace: Workspace, source: str, *, actor: Actor) -> int:
    """Wrap all keys anew under the workspace key from another source; return how many. No file is written anew."""
    permission.require(workspace.database, actor, "people")
    source = checked(source, workspace.path)
    n = workspace.files.rotate(source)
    workspace.audit("key changed", actor=actor)
    return n


def disk_is_encrypted(path: Path) -> bool | None:
    """Say whether a folder lies on a device of dm-crypt (LUKS), directly or below volumes; None where it is not known.

    A file system without a device of its own (in memory, layered, over a network), or one that encrypts by itself,
    cannot be looked into.
    """
    device = os.stat(path).st_dev
    known = SYSTEM / MAPPER / f"{os.major(device)}:{os.minor(device)}"
    return _is_crypt(known) if known.exists() else None


def _is_crypt(device: Path) -> bool:
    uuid = device / "dm" / "uuid"
    if uuid.is_file() and uuid.read_text("ascii").startswith(CRYPT):
        return True
    slaves = device / "slaves"
    below = list(slaves.iterdir()) if slaves.is_dir() else []
    return bool(below) and all(_is_crypt(one) for one in below)


def _owners(workspace: Workspace) -> dict[Path, str]:
    """Return file → under whose key it is to be written."""
    files = workspace.files
    known = {files.studies / row.file: patient_owner(row.patient_id) for row in workspace.all_rows()}
    stored = queries.files_by_id(workspace.database)
    return known | {files.queries / file: query_owner(query_id) for query_id, file in stored.items()}


def _reports_left(workspace: Workspace) -> int:
    return studies.plain_reports(workspace.database) + len(queries.plain_reports(workspace.database))


def _encrypt_reports(workspace: Workspace, until: float) -> None:
    """Encrypt the reports in the record, and write it anew where there were any, now or before an end in between."""
    database, files = workspace.database, workspace.files
    if _reports_left(workspace):
        (workspace.path / DUE).touch()
        while studies.plain_reports(database) and time.monotonic() <= until:
            studies.conceal_reports(database, files, REPORTS_AT_ONCE)
        queries.conceal_reports(database, files)
    if not _reports_left(workspace):
        write_anew(workspace.storage)
