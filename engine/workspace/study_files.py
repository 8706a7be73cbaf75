"""Whether the files of the studies are there and hold what their rows say."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import WorkspaceError
from engine.store.content import load_content
from engine.store.workspace_files import KeylessError
from engine.study import fingerprint
from engine.workspace.workspace import Workspace

NAMED = 3  # studies named of each kind
SAID = {"missing": "missing", "damaged": "damaged", "changed": "of other content", "keyless": "without their key"}


@dataclass(frozen=True)
class FileCheck:
    """Ids of the studies by what is wrong with their files, in order.

    n       : files looked at
    missing : there is no file
    damaged : empty, cut off or otherwise unreadable
    changed : readable, but its fingerprint is not that of the row
    keyless : encrypted, and the key is gone
    """

    n: int
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    keyless: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.missing or self.damaged or self.changed or self.keyless)

    @property
    def sentence(self) -> str:
        """What is wrong, with counts and first names; what was looked at where nothing is."""
        if self.whole:
            return f"all {self.n} are there, with the content that was taken in"
        kinds = (self.missing, self.damaged, self.changed, self.keyless)
        parts = [f"{len(ids)} {SAID[kind]} ({_named(ids)})" for kind, ids in zip(SAID, kinds, strict=True) if ids]
        return f"of {self.n} files {' and '.join(parts)}: restore them from a copy, or ingest their cohort again."


def check_files(workspace: Workspace) -> FileCheck:
    """Read every study file of a workspace and compare it with its row."""
    wrong: dict[str, list[str]] = {kind: [] for kind in SAID}
    rows = workspace.all_rows()
    for study_id, kind in ((row.study_id, _state(workspace, row.file, row.fingerprint)) for row in rows):
        if kind:
            wrong[kind].append(study_id)
    return FileCheck(len(rows), *(tuple(wrong[kind]) for kind in SAID))


def _state(workspace: Workspace, file: str, expected: str) -> str:
    """Return one of SAID, or "" where the file holds what the row says."""
    path = workspace.studies_folder / file
    if not path.is_file():
        return "missing"
    try:
        content = load_content(workspace.files, path)
    except KeylessError:
        return "keyless"
    except WorkspaceError:
        return "damaged"
    return "changed" if expected and fingerprint(content) != expected else ""


def _named(ids: tuple[str, ...]) -> str:
    return ", ".join((*ids[:NAMED], "…") if len(ids) > NAMED else ids)
