"""The folder of a workspace: whether there is one, and the secret that lies in it."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from engine.errors import WorkspaceError
from engine.store.database import FILE_NAME

KEY_BYTES = 32


def check_folder(path: Path, create: bool) -> None:
    """Raise WorkspaceError where there is no workspace at `path`; where `create` make its folder, its owner's alone."""
    if (path / FILE_NAME).is_file():
        return
    if not create:
        raise WorkspaceError(
            f"There is no workspace at {path}: build the shipped one with `casebind demo`, or pass --workspace."
        )
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"The workspace {path} cannot be created ({error.strerror}): pass --workspace with a folder you may write."
        ) from error


def open_to(path: Path) -> str:
    """Return to whom else than its owner a workspace's folder is open, e.g. "everybody (0755)"; "" for nobody."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return ""
    return f"{'everybody' if mode & 0o007 else 'its group'} ({mode:04o})"


def read_key(path: Path) -> bytes:
    """Return the workspace's secret, made on first use and readable by its owner only."""
    file = path / "key"
    try:
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(secrets.token_bytes(KEY_BYTES))
                os.fsync(out.fileno())
        return file.read_bytes()
    except OSError as error:
        raise WorkspaceError(f"The key {file} cannot be read ({error.strerror}): check who owns it.") from error
