"""Verification: every row against its hash, the chain against every checkpoint and against an anchor from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.audit.checkpoint import Checkpoint, checkpoint_files, read_checkpoint
from engine.errors import UsageError
from engine.store.audit_chain import Tree, canonical, first_hash, row_hash
from engine.store.audit_file import COPIED, AuditFile, StoredRow
from engine.strings import text

Found = Literal["", "changed", "missing", "cut", "rewritten", "foreign", "structure", "checkpoint"]


@dataclass(frozen=True, eq=False)
class Verification:
    """What was found.

    rows      : rows that are there and whole, from the first on
    found     : "" where the audit is whole; a row was changed or is missing, the tail was cut, the history was written
                anew, it is another workspace's, its structure or a checkpoint was changed
    first_bad : number of the first row that is not as it was, None where none is
    detail    : what was found, for the sentence
    anchored  : whether it was held against a checkpoint from elsewhere
    tree, last_hash : over the whole rows
    last      : the checkpoint with the most rows that the rows agree with
    """

    rows: int
    found: Found
    first_bad: int | None
    detail: str
    anchored: bool
    tree: Tree
    last_hash: bytes
    last: Checkpoint | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.found

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        nothing = "anchored" if self.anchored else "nothing"
        return text(f"audit.found_{self.found or nothing}", rows=self.rows, n=self.first_bad or 0, detail=self.detail)


def verify(audit: AuditFile, folder: Path, against: Checkpoint | None = None) -> Verification:
    """Return what is wrong with the audit of a workspace's folder: the first thing, if any.

    against : a checkpoint from elsewhere; without one, a history that was written anew whole and a tail that was cut
              with its checkpoints look as they should
    """
    checkpoints, unreadable = _checkpoints(folder)  # before the rows, which only grow
    if against is not None:
        checkpoints.append(against)
    workspace = audit.workspace()
    walk = _Walk(first_hash(workspace), {one.size: one.root for one in checkpoints})
    fault = walk.go(audit.stored())
    roots = {size: root for size, root in walk.roots.items() if size <= walk.tree.size}
    agreed = [one for one in checkpoints if roots.get(one.size) == one.root and one.workspace == workspace]
    last = max(agreed, key=lambda one: one.size, default=None)
    largest = max((one.size for one in checkpoints), default=0)

    def result(found: Found, first_bad: int | None, detail: str = "") -> Verification:
        anchored = against is not None
        return Verification(walk.tree.size, found, first_bad, detail, anchored, walk.tree, walk.last_hash, last)

    for one in checkpoints:
        if one.workspace != workspace:
            return result("foreign", 1, one.workspace)
        if one.size <= walk.tree.size and roots.get(one.size) != one.root:
            since = max((other.size for other in agreed if other.size < one.size), default=0)
            return result("rewritten", since + 1, str(one.size))
    if fault:
        return result(fault, walk.tree.size + 1)
    if largest > walk.tree.size:
        return result("cut", walk.tree.size + 1, str(largest))
    if problem := audit.structure():
        return result("structure", None, problem)
    return result("checkpoint", None, unreadable) if unreadable else result("", None)


class _Walk:
    """Goes through rows up to the first that is not whole; notes the root at the sizes that checkpoints have."""

    def __init__(self, before: bytes, wanted: Iterable[int]) -> None:
        self.tree, self.last_hash, self.roots = Tree(), before, dict.fromkeys(wanted, "")
        if 0 in self.roots:
            self.roots[0] = self.tree.root().hex()

    def go(self, rows: Iterable[StoredRow]) -> Found:
        """Return what is wrong with the first row that is not whole, "" where all are."""
        for row in rows:
            n = self.tree.size + 1
            if row.n != n or type(row.n) is not int:
                return "missing"
            if not _is_whole(row, self.last_hash):
                return "changed"
            self.last_hash = row.hash
            self.tree.add(row.hash)
            if n in self.roots:
                self.roots[n] = self.tree.root().hex()
        return ""


def _is_whole(row: StoredRow, before: bytes) -> bool:
    """Say whether hash, body and the columns that repeat words of it belong together."""
    if type(row.body) is not bytes or type(row.hash) is not bytes or row.hash != row_hash(before, row.body):
        return False
    try:
        body = json.loads(row.body)
        return (
            canonical(body) == row.body
            and body["n"] == row.n
            and all(type(found := getattr(row, name)) is str and found == body[name] for name in COPIED)
        )
    except (ValueError, KeyError, TypeError):
        return False


def _checkpoints(folder: Path) -> tuple[list[Checkpoint], str]:
    """Return a workspace's checkpoints and the name of the first file that is none, "" where all are."""
    found, unreadable = [], ""
    for path in checkpoint_files(folder):
        try:
            found.append(read_checkpoint(path))
        except UsageError:
            unreadable = unreadable or path.name
    return found, unreadable
