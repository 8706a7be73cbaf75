"""Who was erased, as keyed hashes: enough to know a pseudonym that comes back, and no list of pseudonyms.

    <workspace>/erased.json   {"patients": {hash: when}, "queries": {hash: when}}

It lies beside the database, so that an older copy of the database that is put in place is held against it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Literal

from engine.errors import WorkspaceError
from engine.files import utc_now, write_whole

FILE = "erased.json"
Kind = Literal["patients", "queries"]


def read_erased(folder: Path) -> dict[Kind, dict[str, str]]:
    """Return kind → hash → when, an ISO time. Raises WorkspaceError where the list cannot be read."""
    return _read(folder / FILE)


def merge_erased(folder: Path, lists: Iterable[Path]) -> None:
    """Put who is on other lists of the same workspace on that of a folder. Raises WorkspaceError as `read_erased`."""
    known = read_erased(folder)
    for file in lists:
        for kind, ids in _read(file).items():
            known[kind] = ids | known[kind]
    if any(known.values()):
        write_whole(folder / FILE, json.dumps(known, indent=1, sort_keys=True))


def add_erased(folder: Path, key: bytes, patients: Iterable[str], queries: Iterable[str]) -> None:
    """Put ids on the list, on disk when this returns; those that are there stay as they are."""
    known, now = read_erased(folder), utc_now().isoformat(timespec="seconds")
    for kind, ids in (("patients", patients), ("queries", queries)):
        for one in ids:
            known[kind].setdefault(reference(key, one), now)  # type: ignore[index]
    write_whole(folder / FILE, json.dumps(known, indent=1, sort_keys=True))


def among_erased(folder: Path, key: bytes, kind: Kind, ids: Iterable[str]) -> list[str]:
    """Return those of the ids that were erased."""
    return among(read_erased(folder)[kind], key, ids)


def among(erased: Container[str], key: bytes, ids: Iterable[str]) -> list[str]:
    """Return those of the ids whose hashes are among those of a kind that `read_erased` returned."""
    return [one for one in ids if reference(key, one) in erased] if erased else []


def reference(key: bytes, one: str) -> str:
    """Return the keyed hash of an id, 32 hex digits."""
    return hmac.digest(key, f"erased {one}".encode(), "sha256").hex()[:32]


def _read(file: Path) -> dict[Kind, dict[str, str]]:
    try:
        content = json.loads(file.read_text("utf-8"))
        return {"patients": dict(content["patients"]), "queries": dict(content["queries"])}
    except FileNotFoundError:
        return {"patients": {}, "queries": {}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"The list {file} of erased patients cannot be read: restore it from a copy before you go on."
        ) from error
