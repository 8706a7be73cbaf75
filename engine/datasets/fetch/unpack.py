"""Archives → files in a folder, and nowhere else."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from pathlib import Path

from engine.errors import UsageError


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or a tar into a folder; UsageError for a damaged one and for members that lead out of it."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as members:
                members.extractall(folder)
        else:
            with tarfile.open(archive) as members:
                members.extractall(folder, filter="data")
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"The archive {archive.name} cannot be unpacked: delete it, and the same command fetches it again."
        ) from error
