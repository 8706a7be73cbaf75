"""Zip archives → uploads, within limits that a bomb cannot pass."""

from __future__ import annotations

import io
import zipfile
import zlib

from engine.errors import IntakeError
from engine.intake.formats import refusal, sniff
from engine.intake.upload import MEGABYTE, Upload
from engine.settings import UNPACKED_LIMIT_MB, UPLOAD_LIMIT_MB

MEMBER_LIMIT = 2000  # files of one study; the longest multi-segment records have some hundred
_ENCRYPTED = 0x1
_JUNK = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")

# what Python's zipfile raises of a zip that is damaged, cut off, encrypted, or packed in a way that it does not know
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)


def unpack(upload: Upload) -> list[Upload]:
    """Return the members of a zip as uploads; IntakeError for bombs, encryption, damage or nested archives."""
    try:
        with zipfile.ZipFile(io.BytesIO(upload.data)) as archive:
            members = _members(archive)
            return _read_all(archive, members)
    except BROKEN_ZIP as error:
        raise IntakeError(
            "The zip archive is damaged or incomplete and cannot be unpacked: pack the files again."
        ) from error


def announced_bytes(upload: Upload) -> int:
    """Return how many bytes there are to read: of a zip what its members announce, which none of them can exceed."""
    if sniff(upload.data) != "zip":
        return len(upload.data)
    try:
        with zipfile.ZipFile(io.BytesIO(upload.data)) as archive:
            return sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return len(upload.data)  # it is refused when it is unpacked


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [info for info in archive.infolist() if not info.is_dir() and not _is_junk(info.filename)]
    if not members:
        raise IntakeError("The zip archive holds no files: pack the files of one study and drop it again.")
    if any(info.flag_bits & _ENCRYPTED for info in members):
        raise IntakeError("The zip archive is encrypted and no password is asked for here: pack the files without one.")
    if len(members) > MEMBER_LIMIT:
        raise IntakeError(
            f"The zip archive holds {len(members):,} files and the limit is {MEMBER_LIMIT:,}: pack one study only."
        )
    if sum(info.file_size for info in members) > UNPACKED_LIMIT_MB * MEGABYTE:
        raise _too_large()
    return members


def _read_all(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> list[Upload]:
    """Unpack with a running budget, because the sizes that an archive declares can be wrong."""
    budget = UNPACKED_LIMIT_MB * MEGABYTE
    uploads = []
    for info in members:
        limit = min(budget, UPLOAD_LIMIT_MB * MEGABYTE)
        with archive.open(info) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise _too_large()
        budget -= len(data)
        if sniff(data) == "zip":
            raise refusal(Upload(info.filename, data), "zip")
        if data:
            uploads.append(Upload(info.filename, data))
    if not uploads:
        raise IntakeError("The zip archive holds only empty files: export the study again and pack it.")
    return uploads


def _is_junk(name: str) -> bool:
    lower = name.replace("\\", "/").lower()
    return (
        lower.startswith(_JUNK[0]) or lower.rsplit("/", 1)[-1] in _JUNK[1:] or lower.rsplit("/", 1)[-1].startswith("._")
    )


def _too_large() -> IntakeError:
    return IntakeError(
        f"The zip archive unpacks to more than the limit of {UNPACKED_LIMIT_MB} MB ({UPLOAD_LIMIT_MB} MB a file): "
        "pack the files of one study only."
    )
