"""What a backup says of itself: `manifest.json`, written last, with the digest of every other file.

<folder of backups>/<UTC time>/manifest.json
                              /casebind.duckdb, audit.db, people.db, studies/, …   as in a workspace
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import WorkspaceError
from engine.files import write_whole

FILE = "manifest.json"
NAME = re.compile(r"\d{8}T\d{6}Z")  # of a backup that is whole
FORM = 1


@dataclass(frozen=True)
class BackedUpFile:
    """One file: SHA-256 and size of its content, and when its source was changed, in ns."""

    sha256: str
    bytes: int
    changed: int


@dataclass(frozen=True)
class BackupManifest:
    """A backup.

    made      : UTC, ISO: the moment of which the database is
    casebind  : the version that made it
    schema    : of the database
    workspace : whose it is, as its audit says
    rows      : of the audit
    files     : by their path in the backup
    missing   : content files that the database names and that were not there
    """

    made: str
    casebind: str
    schema: int
    workspace: str
    rows: int
    files: dict[str, BackedUpFile]
    missing: tuple[str, ...] = field(default_factory=tuple)

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(one.bytes for one in self.files.values())


def write_manifest(folder: Path, manifest: BackupManifest) -> None:
    """Write the manifest of a backup."""
    write_whole(folder / FILE, json.dumps({"form": FORM, **asdict(manifest)}, indent=1) + "\n", mode=0o600)


def read_manifest(folder: Path) -> BackupManifest:
    """Return the manifest of a backup; WorkspaceError where it cannot be read or is of a later form."""
    try:
        content: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
        form = content.pop("form")
        if form == FORM:
            files = {_inside(name): BackedUpFile(**one) for name, one in content["files"].items()}
            return BackupManifest(**{**content, "files": files, "missing": tuple(content["missing"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"The backup {folder} has no manifest that can be read: take another one.") from error
    raise WorkspaceError(f"The backup {folder} was made by a newer version of Casebind: restore it with that version.")


def whole_backups(folder: Path) -> list[Path]:
    """Return the whole backups in a folder, oldest first."""
    return sorted(one for one in folder.glob("*") if NAME.fullmatch(one.name) and (one / FILE).is_file())


def _inside(name: str) -> str:
    """Return a path of a manifest; ValueError for one that leads out of its folder."""
    path = Path(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise ValueError(name)
    return name
