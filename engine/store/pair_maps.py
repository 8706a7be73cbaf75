"""Maps of pairs as files, so that a second look is instant; few enough, and gone with a patient or a study.

    <workspace>/maps/<pair>.<owner>.<owner>….npz

Pair and owners are keyed hashes: the names say nothing to whoever has no key, and what belongs to an owner is found by
them. A file that cannot be read is as good as none. Nothing else refers to them, so any may go at any time.
"""

from __future__ import annotations

import hmac
import os
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.files import write_whole

MOST_BYTES = 100_000_000  # of all files; those looked at longest ago go first
HEX = 20  # digits of a keyed hash in a name


@dataclass(frozen=True)
class MapFiles:
    """The maps of one workspace. key : its secret"""

    folder: Path
    key: bytes

    def load(self, pair: str) -> dict[str, np.ndarray] | None:
        """Return the arrays of a pair, None where there are none."""
        for file in self.folder.glob(f"{self._hash(pair)}.*"):
            try:
                with np.load(file, allow_pickle=False) as arrays:
                    found = dict(arrays)
                os.utime(file)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                file.unlink(missing_ok=True)
            else:
                return found
        return None

    def save(self, pair: str, owners: Iterable[str], arrays: dict[str, np.ndarray]) -> None:
        """Write the arrays of a pair; a full disk leaves it without. owners : patients and studies it is made of"""
        named = ".".join([self._hash(pair), *sorted({self._hash(owner) for owner in owners}), "npz"])
        with suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            write_whole(self.folder / named, lambda out: np.savez_compressed(out, **arrays), durable=False)  # type: ignore[arg-type]
            self._shrink()

    def forget(self, owners: Iterable[str]) -> None:
        """Remove every map that is made of one of these."""
        gone = {self._hash(owner) for owner in owners}
        for file in self.folder.glob("*.npz"):
            if gone & set(file.name.split(".")[1:]):
                file.unlink(missing_ok=True)

    def _shrink(self) -> None:
        files = sorted(((file.stat(), file) for file in self.folder.glob("*.npz")), key=lambda one: -one[0].st_mtime_ns)
        total = 0
        for stat, file in files:
            total += stat.st_size
            if total > MOST_BYTES:
                file.unlink(missing_ok=True)

    def _hash(self, name: str) -> str:
        return hmac.digest(self.key, name.encode(), "sha256").hex()[:HEX]


def patient(patient_id: str) -> str:
    """Return a patient as an owner."""
    return f"patient {patient_id}"


def study(study_id: str) -> str:
    """Return a study as an owner."""
    return f"study {study_id}"
