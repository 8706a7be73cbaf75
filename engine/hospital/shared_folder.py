"""A folder that devices and people write into: looked at, read and tidied by descriptors, so that no link leads out.

    <folder>/taken/     files that the inbox has
            /refused/   files that are not taken, each beside NAME.txt with the sentence on why

Whoever writes into it may put anything in the place of anything at any moment.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from engine.errors import UsageError

TAKEN, REFUSED, SAID = "taken", "refused", ".txt"
UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload")  # as senders name what they still write
TO_EVERYBODY = 0o006
LONGEST = 240  # bytes of a file's name; 255 are common, less a number and ".txt"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold us


class Signature(NamedTuple):
    """By what a file is known to be unchanged: bytes, last change in ns, number on its disk."""

    size: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> Signature:
        """Return the signature in what the system says of a file."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


class SharedFolder:
    """The folder, opened once; close it after each look, since a share may be taken away."""

    def __init__(self, path: Path) -> None:
        """Open the folder. UsageError where it is not there, is a link, or is open to everybody."""
        try:
            self._descriptor = os.open(path, _FOLDER)
        except OSError as error:
            raise UsageError(
                f"The watched folder {path} cannot be opened ({error.strerror}): create it, or correct [folder] in "
                "pacs.toml."
            ) from error
        mode = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
        if mode & TO_EVERYBODY:
            self.close()
            raise UsageError(
                f"The watched folder {path} is open to everybody (mode {mode:04o}): run `chmod o-rwx "
                f"{shlex.quote(str(path))}`, then start again."
            )

    def __enter__(self) -> SharedFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        os.close(self._descriptor)

    def listing(self) -> dict[str, Signature]:
        """Return the regular files that lie in it, those that are still being written by their names left out."""
        found = {}
        with os.scandir(self._descriptor) as entries:
            for entry in entries:
                if not _is_unfinished(entry.name) and entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        found[entry.name] = Signature.of(entry.stat(follow_symlinks=False))
        return found

    def read(self, name: str, seen: Signature, most: int = -1) -> bytes | None:
        """Return the first `most` bytes of a file, all for -1; None where it is no longer what was seen."""
        try:
            descriptor = os.open(name, _FILE, dir_fd=self._descriptor)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            return file.read(most) if stat.S_ISREG(found.st_mode) and Signature.of(found) == seen else None

    def take(self, name: str, seen: Signature) -> None:
        """Put a file to those that are taken; one that was written anew meanwhile stays."""
        with self._below(TAKEN) as folder:
            self._move(name, seen, folder, _free(name, folder))

    def refuse(self, name: str, seen: Signature, why: str) -> None:
        """Put a file to those that are refused, beside a text that says why."""
        with self._below(REFUSED) as folder:
            free = _free(name, folder, why)
            _write(free + SAID, why, folder)
            self._move(name, seen, folder, free)

    def _move(self, name: str, seen: Signature, folder: int, free: str) -> None:
        with suppress(FileNotFoundError):
            os.rename(name, free, src_dir_fd=self._descriptor, dst_dir_fd=folder)
            moved = Signature.of(os.stat(free, dir_fd=folder, follow_symlinks=False))
            if moved != seen:  # a sender wrote another file under the same name: it has its turn
                os.rename(free, _free(name, self._descriptor), src_dir_fd=folder, dst_dir_fd=self._descriptor)
        for one in (folder, self._descriptor):
            with suppress(OSError):  # shares of other systems know no such thing
                os.fsync(one)

    @contextmanager
    def _below(self, name: str) -> Iterator[int]:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=self._descriptor)
        folder = os.open(name, _FOLDER, dir_fd=self._descriptor)
        try:
            yield folder
        finally:
            os.close(folder)


def _is_unfinished(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED)


def _free(name: str, folder: int, why: str | None = None) -> str:
    """Return a name that nothing has there, as like a file's own as can be.

    why : the text that goes beside it; the same text, which a process left that was killed, is written over
    """
    stem, dot, suffix = name.rpartition(".")
    stem, dot, suffix = (stem, dot, suffix) if stem and len(suffix) < 20 else (name, "", "")
    for number in count(1):
        end = (f"-{number}" if number > 1 else "") + dot + suffix
        free = _cut(stem, LONGEST - len(os.fsencode(end))) + end
        if not _is_there(free, folder) and (why is None or _read(free + SAID, folder) in (None, why)):
            return free
    raise AssertionError("numbers do not end")


def _cut(name: str, most: int) -> str:
    """Return a name of at most so many bytes, no letter of it cut in two."""
    raw = os.fsencode(name)
    if len(raw) <= most:
        return name
    while most and raw[most] & 0xC0 == 0x80:  # goes on with a letter of UTF-8
        most -= 1
    return os.fsdecode(raw[:most])


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _read(name: str, folder: int) -> str | None:
    """Return the text that lies beside a refused file; None where there is none."""
    try:
        with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
            return file.read().decode("utf-8", "replace").removesuffix("\n")
    except FileNotFoundError:
        return None


def _write(name: str, words: str, folder: int) -> None:
    """Write a text whole or not at all."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(".why.tmp", flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(f"{words}\n".encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())
    os.rename(".why.tmp", name, src_dir_fd=folder, dst_dir_fd=folder)
