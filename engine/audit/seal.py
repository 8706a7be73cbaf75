"""Sealing: the audit is verified, and the root over all of it is signed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.actor import Actor
from engine.audit.checkpoint import FOLDER, Checkpoint
from engine.audit.key import public_of
from engine.audit.verify import verify
from engine.errors import UsageError
from engine.files import write_whole
from engine.store.acts import Act
from engine.store.audit_chain import row_hash
from engine.store.audit_file import AuditFile


def seal(audit: AuditFile, folder: Path, key: Ed25519PrivateKey, actor: Actor) -> tuple[Checkpoint, Path]:
    """Sign the root over every row, that of the sealing among them; return the checkpoint and its file.

    Raises UsageError where the audit is not whole: what is wrong would be signed with it.
    """
    found = verify(audit, folder)
    if not found.is_whole:
        raise UsageError(f"{found.sentence} Nothing was sealed.")
    n = audit.append(actor, Act("record sealed", about={"key": public_of(key)}))
    tree, before = found.tree, found.last_hash
    for row in audit.stored(after=tree.size):
        if row.n > n:
            break
        if row.n != tree.size + 1 or row.hash != row_hash(before, row.body):
            raise UsageError("The audit was changed while it was being sealed: verify it.")
        tree.add(row.hash)
        before = row.hash
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = Checkpoint(tree.size, tree.root().hex(), now, audit.workspace(), public_of(key))
    made = replace(made, signature=key.sign(made.signed_bytes()).hex())
    audit.sync()
    (folder / FOLDER).mkdir(exist_ok=True)
    path = folder / FOLDER / f"{made.size:012d}.json"
    write_whole(path, json.dumps(asdict(made), indent=1) + "\n")
    return made, path
