"""Where the workspace key comes from: a file outside of the workspace, a systemd credential, or a command.

    file:PATH          32 bytes, or as 64 hex digits; readable by its owner alone
    credential:NAME    the same content, in the folder that systemd gives a service (LoadCredential=)
    command:WORDS      a program that prints the key as 64 hex digits; no shell reads the words

CASEBIND_KEY_SOURCE names another source than the workspace does, such as on the machine on which a backup is restored.
It never is the key itself: an environment is inherited by every program and can be read in /proc.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import stat
import subprocess
from pathlib import Path

from engine.errors import UsageError, WorkspaceError
from engine.files import sync
from engine.store.encryption import KEY_BYTES, derived

VARIABLE = "CASEBIND_KEY_SOURCE"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
COMMAND_S = 30
HEX = re.compile(rb"[0-9a-fA-F]{64}")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def checked(source: str, workspace: Path) -> str:
    """Return a source as it is kept, its path absolute. UsageError where it is none, or lies in the workspace."""
    kind, _, rest = source.partition(":")
    if kind not in ("file", "credential", "command") or not rest.strip():
        raise UsageError(f"'{kind}' is no source of a key: use file:PATH, credential:NAME or command:WORDS.")
    if kind != "file":
        return source
    path = Path(rest).expanduser().absolute()
    if path.resolve().is_relative_to(workspace.resolve()):
        raise UsageError(f"The key {path} would lie in the workspace that it opens: name a file outside of it.")
    return f"file:{path}"


def make_key_file(source: str) -> bool:
    """Write a new random key where a source is a file that is not there; return whether it was. Raises UsageError."""
    kind, _, rest = source.partition(":")
    if kind != "file" or Path(rest).exists():
        return False
    try:
        descriptor = os.open(rest, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(KEY_BYTES) + "\n")
            out.flush()
            os.fsync(descriptor)
        sync(Path(rest).parent)
    except OSError as problem:
        raise UsageError(f"The key {rest} cannot be written ({problem.strerror}): name another file.") from problem
    return True


def read_workspace_key(source: str) -> bytes:
    """Return the 32 bytes of a workspace key; WorkspaceError, which says what to do, where they cannot be had."""
    kind, _, rest = source.partition(":")
    if kind == "command":
        given = _printed(rest)
    elif kind == "credential":
        given = _read(Path(_credentials(rest)) / rest, rest)
    else:
        _check_private(Path(rest))
        given = _read(Path(rest), rest)
    if len(given) == KEY_BYTES:
        return given
    if HEX.fullmatch(words := given.strip()):
        return bytes.fromhex(words.decode())
    raise WorkspaceError(f"The workspace key from {kind}:{rest} is no 32 bytes and no 64 hex digits: restore it.")


def name_of(key: bytes) -> str:
    """Return by what a workspace key is recognised, 16 hex digits that tell nothing of it."""
    return derived(key, b"casebind key name", length=8).hex()


def _check_private(path: Path) -> None:
    try:
        state = path.stat()
    except OSError as problem:
        raise _missing(str(path), problem) from problem
    if state.st_mode & OTHERS:
        raise WorkspaceError(f"The workspace key {path} can be read by others than its owner: run chmod 600 on it.")


def _read(path: Path, named: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise _missing(named, problem) from problem


def _missing(named: str, problem: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"The workspace is encrypted and its key {named} cannot be read ({problem.strerror}): put it back from its "
        f"copy, or say by {VARIABLE} where it is; nothing is lost meanwhile."
    )


def _credentials(name: str) -> str:
    folder = os.environ.get(CREDENTIALS)
    if not folder or "/" in name:
        raise WorkspaceError(
            f"The workspace is encrypted and its key is the systemd credential {name}, which this process was not "
            f"given: ask the running app, or say by {VARIABLE} where the key is."
        )
    return folder


def _printed(words: str) -> bytes:
    try:
        done = subprocess.run(
            shlex.split(words), stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as problem:
        reason = type(problem).__name__  # what it printed may hold the key
        raise WorkspaceError(
            f"The workspace is encrypted and the command that prints its key failed ({reason}): run it by hand."
        ) from problem
    return done.stdout
