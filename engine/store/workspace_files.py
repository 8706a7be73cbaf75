"""The files of a workspace that hold content, of studies, of queries and maps of pairs: the one way to them.

They are written as they are until the workspace has keys (`casebind encrypt`), and encrypted from then on. Who reads
one gets its bytes in memory; nothing that was encrypted is written to a disk to be read. Reports in words, which stand
in the record beside their study, are encrypted under the same keys.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from engine.errors import WorkspaceError
from engine.files import write_whole
from engine.store.data_keys import DataKey, DataKeys, begin_keys, keys_missing, not_encrypted, open_keys
from engine.store.encryption import MAGIC, ChangedError, decrypt, encrypt, is_encrypted, unwrap, wrap
from engine.store.key_source import read_workspace_key
from engine.store.lending import Reads

FOLDERS = ("studies", "queries", "maps")
MAPS = "maps"  # whose key the maps of pairs have: they are made anew, and go when one of their patients goes
PAIR = re.compile(r"[0-9a-f]{20}\.")  # maps of pairs; beside them lie maps of the collection, which hold ids alone
WORDS = "encrypted:"  # before words in the record


class KeylessError(WorkspaceError):
    """A file is encrypted, and its key is not among those of the workspace."""


class WorkspaceFiles:
    """The content files of one workspace. Safe to use from many threads.

    An owner is whose key a file is written under: `patient_owner`, `query_owner`.
    """

    def __init__(self, home: Path, secret: bytes) -> None:
        """Raises WorkspaceError where the workspace is encrypted and its keys cannot be had."""
        self.home, self.studies, self.queries = home, home / "studies", home / "queries"
        self._secret = secret
        self._changing = threading.Lock()  # of files that are there: by encrypting and by deleting
        self._writes = Reads()
        self._keys: DataKeys | None = open_keys(home)
        if self._keys is None and any(_begins_encrypted(home / name) for name in FOLDERS):
            raise keys_missing(home)

    def close(self) -> None:
        """Close the keys."""
        if self._keys is not None:
            self._keys.close()

    @property
    def is_encrypting(self) -> bool:
        """Whether files are written encrypted."""
        return self._keys is not None

    @property
    def keys(self) -> DataKeys:
        """The keys; UsageError where the workspace has none."""
        if self._keys is None:
            raise not_encrypted()
        return self._keys

    def read(self, path: Path) -> bytes:
        """Return the content of a file. OSError where it is not there; WorkspaceError where it was changed."""
        data = path.read_bytes()
        if not is_encrypted(data):
            return data
        try:
            return decrypt(data, self._key_of, self._name(path))
        except ChangedError as error:
            raise WorkspaceError(
                f"The file {path.name} of the workspace is encrypted and was changed or cut off since: restore it from "
                "a backup, or ingest its cohort again."
            ) from error
        except KeylessError as error:
            raise KeylessError(
                f"The file {path.name} of the workspace is encrypted and its key is gone: restore file and keys from "
                "the same backup."
            ) from error

    def write(self, path: Path, data: bytes, owner: str, *, durable: bool = True) -> None:
        """Write a file whole or not at all. Raises OSError."""
        with self._writes.one():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, self._encrypted(path, data, owner), durable=durable)

    def prepare(self, owners: Iterable[str]) -> None:
        """Make the keys of owners in one step, before many files are written."""
        if self._keys is not None:
            self._keys.of([self._hash(owner) for owner in owners])

    def delete(self, paths: Iterable[Path]) -> int:
        """Delete files; return how many were there."""
        gone = 0
        for path in paths:
            with self._changing, suppress(FileNotFoundError):
                path.unlink()
                gone += 1
        return gone

    def encrypt(self, path: Path, owner: str) -> bool:
        """Put the encrypted form of a plain file in its place, on disk then; return whether there was a plain one."""
        with self._changing:
            if not _is_plain(path):
                return False
            data = path.read_bytes()
            mode = path.stat().st_mode & 0o777
            write_whole(path, self._encrypted(path, data, owner), mode=mode)
            return True

    def plain(self) -> list[Path]:
        """Return the files that are not encrypted, in order."""
        found = (path for name in FOLDERS for path in sorted((self.home / name).rglob("*")) if path.is_file())
        return [path for path in found if (path.parent.name != MAPS or PAIR.match(path.name)) and _is_plain(path)]

    def conceal(self, words: str | None, owner: str, name: str) -> str | None:
        """Return words as they stand in the record. name : what they are words of"""
        if self._keys is None or not words or words.startswith(WORDS):
            return words
        made = self._keys.of([self._hash(owner)])[self._hash(owner)]
        return WORDS + base64.b64encode(made.key_id + wrap(words.encode(), made.key, name.encode())).decode()

    def reveal(self, stored: str | None, name: str) -> str | None:
        """Return words of the record; None where their key is gone or they were changed."""
        if self._keys is None or not stored or not stored.startswith(WORDS):
            return None if stored and stored.startswith(WORDS) else stored
        try:
            data = base64.b64decode(stored.removeprefix(WORDS))
            return unwrap(data[16:], self._key_of(data[:16]), name.encode()).decode()
        except (ValueError, KeylessError):
            return None

    def begin(self, source: str) -> None:
        """Write encrypted from now on, under the workspace key from a source; those being written are waited for."""
        with self._writes.halted():
            if self._keys is None:
                self._keys = begin_keys(self.home, source)

    def rotate(self, source: str) -> int:
        """Wrap the keys anew under the workspace key from another source; return how many."""
        return self.keys.rotate(source, read_workspace_key(source))

    def destroy(self, owners: Iterable[str]) -> int:
        """Destroy the keys of owners; return how many there were. What was written under them is unreadable then."""
        return 0 if self._keys is None else self._keys.destroy([self._hash(owner) for owner in owners])

    def _encrypted(self, path: Path, data: bytes, owner: str) -> bytes:
        if self._keys is None:
            return data
        made: DataKey = self._keys.of([self._hash(owner)])[self._hash(owner)]
        return encrypt(data, made.key_id, made.key, self._name(path))

    def _key_of(self, key_id: bytes) -> bytes:
        key = None if self._keys is None else self._keys.key(key_id)
        if key is None:
            raise KeylessError("its key is gone")
        return key

    def _name(self, path: Path) -> str:
        return path.relative_to(self.home).as_posix()

    def _hash(self, owner: str) -> str:
        return hmac.digest(self._secret, f"key of {owner}".encode(), "sha256").hex()[:32]


def patient_owner(patient_id: str) -> str:
    """Return a patient as an owner."""
    return f"patient {patient_id}"


def query_owner(query_id: str) -> str:
    """Return a stored query as an owner."""
    return f"query {query_id}"


def _is_plain(path: Path) -> bool:
    """Say whether a file is there, holds something and is not encrypted; one that is just being begun holds nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except FileNotFoundError:
        return False
    return bool(head) and not is_encrypted(head)


def _begins_encrypted(folder: Path) -> bool:
    """Say whether the first file below a folder is encrypted."""
    with suppress(OSError):
        for home, _, names in os.walk(folder):
            if names:
                with Path(home, names[0]).open("rb") as file:
                    return is_encrypted(file.read(len(MAGIC)))
    return False
