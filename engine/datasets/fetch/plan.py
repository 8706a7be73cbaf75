"""Which published files are wanted: all of a data set, or those of its first recordings."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.datasets.fetch.sources import Archive, FetchSource
from engine.errors import UsageError

_SUM = re.compile(r"([0-9a-fA-F]{64})\s+\*?(.+)")


@dataclass(frozen=True)
class Wanted:
    """One file to be fetched: its address, its path below the data set's folder, its SHA-256 or "" where unknown."""

    url: str
    path: str
    sha256: str = ""


def wanted_files(source: FetchSource, sums: str, limit: int | None) -> list[Wanted]:
    """Return the files of a published folder: its tables, then those of all or of the first `limit` recordings.

    sums : the text of the publisher's list, a line a file: SHA-256, blanks, path
    """
    stated = _stated(source, sums)
    missing = [name for name in source.tables if name not in stated]
    studies = list(dict.fromkeys(study for path in stated if (study := source.study_of(path)) is not None))
    if missing or not studies:
        what = missing[0] if missing else "recording"
        raise UsageError(
            f"The publisher's list of {source.title} names no {what}, so its layout has changed: see {source.page}."
        )
    chosen = set(studies[:limit])
    paths = [path for path in stated if path in source.tables or source.study_of(path) in chosen]
    return [Wanted(source.base + path, path, stated[path]) for path in sorted(paths, key=_tables_first(source))]


def wanted_archives(source: FetchSource, limit: int | None) -> list[Archive]:
    """Return the archives that hold all, or the first `limit`, recordings."""
    if limit is None or not all(archive.studies for archive in source.archives):
        return list(source.archives)
    counted, chosen = 0, []
    for archive in source.archives:
        if counted < limit:
            chosen.append(archive)
        counted += archive.studies
    return chosen


def megabytes(source: FetchSource, limit: int | None) -> float:
    """Return about how much room the wanted part takes on the disk."""
    return source.megabytes * (1.0 if limit is None else min(1.0, limit / source.studies))


def _stated(source: FetchSource, sums: str) -> dict[str, str]:
    """Return path → SHA-256 of a list of sums; UsageError for a path that leads out of the folder."""
    found = {
        match[2].strip(): match[1].lower() for line in sums.splitlines() if (match := _SUM.fullmatch(line.strip()))
    }
    for path in found:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
            raise UsageError(
                f"The publisher's list of {source.title} names a file outside of its folder: see {source.page}."
            )
    return {str(PurePosixPath(path)): digest for path, digest in found.items()}


def _tables_first(source: FetchSource) -> Callable[[str], tuple[bool, str]]:
    return lambda path: (path not in source.tables, path)
