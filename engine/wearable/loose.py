"""Files of an export that lie loose: in a folder, as Safari leaves a zip that it unpacked, or dropped together.

They are given as `zipfile.ZipFile` gives those of a zip, so that an export is read in one way.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Self

from engine.errors import IntakeError
from engine.intake.upload import Upload

Opened = Callable[[], BinaryIO]


class LooseFiles:
    """Files with a name and a size each, opened when they are read."""

    def __init__(self, files: Sequence[tuple[str, int, Opened]]) -> None:
        self._infos: list[zipfile.ZipInfo] = []
        self._opened: dict[int, Opened] = {}  # by the identity of its entry: names may come twice
        for name, size, opened in files:
            info = zipfile.ZipInfo(name)
            info.file_size = size
            self._infos.append(info)
            self._opened[id(info)] = opened

    @classmethod
    def in_folder(cls, folder: Path, most: int) -> Self:
        """List a folder and what lies below it; links are left alone. Raises IntakeError for more than `most` files."""
        found: list[tuple[str, int, Opened]] = []
        for path, size in _walked(folder):
            found.append((path.relative_to(folder).as_posix(), size, partial(_opened, path)))
            if len(found) > most:
                raise IntakeError(f"The folder holds more than {most:,} files: name that of the export alone.")
        return cls(sorted(found, key=lambda one: one[0]))

    @classmethod
    def of_uploads(cls, uploads: Sequence[Upload]) -> Self:
        """List files that were dropped beside each other."""
        return cls([(one.name, len(one.data), partial(io.BytesIO, one.data)) for one in uploads])

    def infolist(self) -> list[zipfile.ZipInfo]:
        """Return name and size of each file."""
        return self._infos

    def open(self, info: zipfile.ZipInfo) -> BinaryIO:
        """Open one of the listed files; IntakeError where it cannot be read any more."""
        return self._opened[id(info)]()


def _walked(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the regular files below a folder with their sizes; IntakeError where a folder cannot be read."""

    def refuse(error: OSError) -> None:
        raise _unreadable(error) from error

    for home, _, names in os.walk(folder, onerror=refuse):
        for name in names:
            path = Path(home, name)
            about = path.lstat()
            if stat.S_ISREG(about.st_mode):
                yield path, about.st_size


def _opened(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> IntakeError:
    return IntakeError(f"The folder of the export cannot be read ({error.strerror}): check who may read it.")
