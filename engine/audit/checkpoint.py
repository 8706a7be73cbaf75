"""Checkpoints: the root of RFC 6962 over all rows so far, signed, as one JSON file each.

One that lies where the owner of the workspace cannot write is an anchor: it finds a cut tail and a history that was
written anew as a whole, which nothing inside the workspace can.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.audit.key import is_signed
from engine.errors import UsageError
from engine.store.audit_chain import canonical
from engine.store.audit_file import AuditFile

FOLDER = "checkpoints"  # of a workspace
HEX = re.compile("[0-9a-f]+")
ROWS, HOURS = 1000, 1  # after so many rows, or so long after the last with at least one, a checkpoint is due


@dataclass(frozen=True)
class Checkpoint:
    """What was sealed.

    size      : number of rows
    root      : of RFC 6962 over them, 64 hex digits
    time      : when, UTC
    workspace : whose audit it is
    key       : the public key, 64 hex digits
    signature : by it over the other fields as canonical JSON, 128 hex digits
    """

    size: int
    root: str
    time: str
    workspace: str
    key: str
    signature: str = ""

    def signed_bytes(self) -> bytes:
        """Return what is signed."""
        return canonical({name: value for name, value in asdict(self).items() if name != "signature"})

    @property
    def is_signed(self) -> bool:
        """Whether its own key signed it; whose key that is, only a copy kept elsewhere can say."""
        return is_signed(self.key, self.signature, self.signed_bytes())


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint of a file; UsageError where it is none, or its signature does not fit."""
    try:
        given = json.loads(path.read_bytes())
        found = Checkpoint(**given)
        words = {name: value for name, value in given.items() if name != "size"}
        if type(found.size) is not int or not all(type(value) is str for value in words.values()):
            raise TypeError
        if not all(HEX.fullmatch(words[name]) for name in ("root", "key", "signature")):
            raise ValueError
    except OSError as problem:
        raise UsageError(f"The checkpoint {path} cannot be read ({problem.strerror}): name another file.") from None
    except (ValueError, TypeError):
        raise UsageError(f"{path} is no checkpoint: name a file that `casebind audit seal` wrote.") from None
    if not found.is_signed:
        raise UsageError(f"The signature of the checkpoint {path} does not fit: it was changed after it was made.")
    return found


def checkpoint_files(folder: Path) -> list[Path]:
    """Return the files of a workspace's checkpoints, the smallest number of rows first."""
    return sorted((folder / FOLDER).glob("*.json"))


def last_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint of a workspace that can be read, or None."""
    for path in reversed(checkpoint_files(folder)):
        try:
            return read_checkpoint(path)
        except UsageError:
            continue
    return None


def is_due(audit: AuditFile, folder: Path, now: datetime | None = None) -> bool:
    """Say whether a checkpoint is due: 1,000 rows after the last one, or an hour with at least one row."""
    last, size = last_checkpoint(folder), audit.size()
    if last is None or size <= last.size:
        return last is None and size > 0
    age = (now or datetime.now(UTC)) - datetime.fromisoformat(last.time)
    return size - last.size >= ROWS or age >= timedelta(hours=HOURS)
