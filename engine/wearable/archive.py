"""An export, a zip or its loose files, read member by member: one of many gigabytes takes no more memory than a member.

Nothing is unpacked to disk, and no name of a member is ever used as a path.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from engine.errors import IntakeError
from engine.intake.archive import BROKEN_ZIP
from engine.intake.upload import MEGABYTE, Upload, base_name
from engine.settings import UPLOAD_LIMIT_MB
from engine.wearable.loose import LooseFiles

MEMBER_LIMIT = 100_000  # files of an export; ten years of an Apple Watch have some thousand
DIRECTORY_LIMIT = 32 * MEGABYTE  # bytes of a zip's list of files, which is read whole
TOTAL_LIMIT_MB = 50_000  # of everything that is unpacked of one export
HEAD = 1 << 16  # bytes by which a member's kind is told
_ENCRYPTED = 0x1
_JUNK = re.compile(r"(?:^|/)(?:__macosx/|\._|\.ds_store$|thumbs\.db$|desktop\.ini$)")
_OUTSIDE = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)|^[/\\]|^[A-Za-z]:[/\\]")
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x06"  # by which a zip says how many files it has
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_TAIL = 22 + 0xFFFF + 76  # bytes in which a zip says how many files it has, with its longest comment

_DAMAGED = "The export is cut off or damaged, as after a download that broke off: download it again."
_BROKEN = (*BROKEN_ZIP, OverflowError)


@dataclass(frozen=True)
class Member:
    """One file of an export. inside : the number of the zip among the members that holds it; None for the export's own

    name : as its maker wrote it, which may tell who somebody is: it is shown and stored nowhere
    """

    number: int
    name: str
    size: int
    inside: int | None = None

    @property
    def base(self) -> str:
        """The file's own name, lower case."""
        return base_name(self.name)

    @property
    def place(self) -> tuple[int | None, str]:
        """Where it lies: files of one session lie in one place."""
        return self.inside, self.name.replace("\\", "/").rpartition("/")[0]


class Export:
    """An open export. Close it, or use it in a `with`.

    source : the path of a zip or of a folder, the bytes of a zip, or files that were dropped beside each other
    """

    def __init__(self, source: Path | bytes | Sequence[Upload]) -> None:
        """Raise IntakeError, in one sentence, where it is no zip, damaged, encrypted, or beyond the limits."""
        self._left = TOTAL_LIMIT_MB * MEGABYTE
        self._inner: tuple[int, zipfile.ZipFile] | None = None
        self._zip, self._file = _files(source)
        try:
            self._infos: list[tuple[int | None, zipfile.ZipInfo]] = [(None, one) for one in _infos(self._zip)]
            self.unread: list[str] = []  # why zips inside of it are not read
            self._open_inner()
        except BaseException:
            self.close()
            raise
        self.members = [
            Member(number, info.filename, info.file_size, inside)
            for number, (inside, info) in enumerate(self._infos)
            if not info.filename.lower().endswith(".zip")
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def head(self, member: Member) -> bytes:
        """Return the first bytes of a member, by which its kind is told."""
        return self._read(member.number, HEAD)

    def read(self, member: Member) -> bytes:
        """Return a member; IntakeError where it is larger than any upload, whatever its zip says of it."""
        most = UPLOAD_LIMIT_MB * MEGABYTE
        data = self._read(member.number, most + 1)
        if len(data) > most:
            raise IntakeError(
                f"One recording of the export unpacks to more than {UPLOAD_LIMIT_MB} MB: export a shorter time."
            )
        return data

    def _open_inner(self) -> None:
        """List the files of zips inside of the export, as of sessions that somebody packed together."""
        for number, (_, info) in list(enumerate(self._infos)):
            if not info.filename.lower().endswith(".zip"):
                continue
            try:
                for one in _infos(self._inner_zip(number)):
                    if one.filename.lower().endswith(".zip"):
                        self.unread.append(
                            "A zip archive in a zip archive of the export is not opened: unpack the outer one first."
                        )
                    else:
                        self._infos.append((number, one))
            except IntakeError as error:
                self.unread.append(str(error))
            if len(self._infos) > MEMBER_LIMIT:
                raise _too_many(len(self._infos))

    def _inner_zip(self, number: int) -> zipfile.ZipFile:
        if self._inner is None or self._inner[0] != number:
            most = UPLOAD_LIMIT_MB * MEGABYTE
            data = self._read(number, most + 1)
            if len(data) > most:
                raise IntakeError(
                    f"A zip archive in the export has more than {UPLOAD_LIMIT_MB} MB: take it in by itself."
                )
            self._inner = number, _archive(io.BytesIO(data))
        return self._inner[1]

    def _read(self, number: int, most: int) -> bytes:
        inside, info = self._infos[number]
        archive = self._zip if inside is None else self._inner_zip(inside)
        with _one_sentence(), archive.open(info) as file:
            data = file.read(most)
        self._left -= len(data)
        if self._left < 0:
            raise IntakeError(f"The export unpacks to more than {TOTAL_LIMIT_MB:,} MB: export a shorter time.")
        return data


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Say in one sentence what a library raises on a damaged zip."""
    try:
        yield
    except IntakeError:
        raise
    except _BROKEN as error:
        raise IntakeError(_DAMAGED) from error


def _files(source: Path | bytes | Sequence[Upload]) -> tuple[zipfile.ZipFile | LooseFiles, BinaryIO | None]:
    """Return what lists and opens the files of an export, and the open zip where there is one."""
    if isinstance(source, Path) and source.is_dir():
        return LooseFiles.in_folder(source, MEMBER_LIMIT), None
    if not isinstance(source, (Path, bytes)):
        return LooseFiles.of_uploads(source), None
    file: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else _opened(source)
    try:
        return _archive(file), file
    except BaseException:
        file.close()
        raise


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise IntakeError(
            f"The export cannot be opened ({error.strerror}): name the zip as it was downloaded."
        ) from error


def _archive(file: BinaryIO) -> zipfile.ZipFile:
    with _one_sentence():
        beginning = file.read(4)
        if not beginning.startswith(b"PK"):
            raise IntakeError(
                "This is no zip archive, and exports of wearables are: name the zip as it was downloaded, or the "
                "folder into which it was unpacked."
            )
        _check_directory(file)
        return zipfile.ZipFile(file)


def _check_directory(file: BinaryIO) -> None:
    """Refuse a list of files that would take much memory, before it is read."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - _TAIL))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise IntakeError(_DAMAGED)
    entries, size = int.from_bytes(tail[at + 10 : at + 12], "little"), int.from_bytes(tail[at + 12 : at + 16], "little")
    wide = tail.rfind(_END_64, 0, at)
    if (entries == _FULL_16 or size == _FULL_32) and wide >= 0:
        entries = int.from_bytes(tail[wide + 32 : wide + 40], "little")
        size = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    if entries > MEMBER_LIMIT:
        raise _too_many(entries)
    if size > DIRECTORY_LIMIT:
        raise _too_many(size // 46)  # bytes that a file takes in the list at least


def _infos(archive: zipfile.ZipFile | LooseFiles) -> list[zipfile.ZipInfo]:
    infos = [one for one in archive.infolist() if not one.is_dir()]
    if any(_OUTSIDE.search(one.filename) for one in infos):
        raise IntakeError(
            "The export names files outside of itself, as no device writes it: download it again from its maker."
        )
    if any(one.flag_bits & _ENCRYPTED for one in infos):
        raise IntakeError("The export is encrypted and no password is asked for here: export it without one.")
    return [one for one in infos if not _JUNK.search(one.filename.replace("\\", "/").lower())]


def _too_many(n: int) -> IntakeError:
    return IntakeError(f"The export holds {n:,} files and the limit is {MEMBER_LIMIT:,}: export a shorter time.")
