"""Maps of pairs as files, so that a second look is instant; few enough, and gone with a patient or a study.

    <workspace>/maps/<pair>.<owner>.<owner>….npz

Pair and owners are keyed hashes: the names say nothing to whoever has no key, and what belongs to an owner is found by
them. A file that cannot be read is as good as none. Nothing else refers to them, so any may go at any time.
"""

from __future__ import annotations

import hmac
import io
import os
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import WorkspaceError
from engine.store.workspace_files import MAPS, WorkspaceFiles

MOST_BYTES = 100_000_000  # of all files; those looked at longest ago go first
HEX = 20  # digits of a keyed hash in a name


@dataclass(frozen=True)
class MapFiles:
    """The maps of one workspace. key : its secret"""

    files: WorkspaceFiles
    key: bytes

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.files.home / MAPS

    def load(self, pair: str) -> dict[str, np.ndarray] | None:
        """Return the arrays of a pair, None where there are none."""
        for file in self.folder.glob(f"{self._hash(pair)}.*"):
            try:
                with np.load(io.BytesIO(self.files.read(file)), allow_pickle=False) as arrays:
                    found = dict(arrays)
                os.utime(file)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, WorkspaceError):
                self.files.delete([file])
            else:
                return found
        return None

    def save(self, pair: str, owners: Iterable[str], arrays: dict[str, np.ndarray]) -> None:
        """Write the arrays of a pair; a full disk leaves it without. owners : patients and studies it is made of"""
        named = ".".join([self._hash(pair), *sorted({self._hash(owner) for owner in owners}), "npz"])
        with suppress(OSError):
            out = io.BytesIO()
            np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
            self.files.write(self.folder / named, out.getvalue(), MAPS, durable=False)
            self._shrink()

    def forget(self, owners: Iterable[str]) -> None:
        """Remove every map that is made of one of these."""
        gone = {self._hash(owner) for owner in owners}
        self.files.delete(file for file in self.folder.glob("*.npz") if gone & set(file.name.split(".")[1:]))

    def _shrink(self) -> None:
        files = sorted(((file.stat(), file) for file in self.folder.glob("*.npz")), key=lambda one: -one[0].st_mtime_ns)
        total = 0
        for stat, file in files:
            total += stat.st_size
            if total > MOST_BYTES:
                self.files.delete([file])

    def _hash(self, name: str) -> str:
        return hmac.digest(self.key, name.encode(), "sha256").hex()[:HEX]


def patient(patient_id: str) -> str:
    """Return a patient as an owner."""
    return f"patient {patient_id}"


def study(study_id: str) -> str:
    """Return a study as an owner."""
    return f"study {study_id}"
