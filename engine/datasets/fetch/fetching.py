"""A whole data set: what is wanted, room for it, every file, archives unpacked; stopped at any time, it goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.datasets.fetch.download import address, get, new_session, text_of
from engine.datasets.fetch.plan import Wanted, megabytes, wanted_archives, wanted_files
from engine.datasets.fetch.sources import MEGABYTE, FetchSource
from engine.datasets.fetch.unpack import unpack
from engine.errors import UsageError
from engine.files import sha256_of, write_whole

if TYPE_CHECKING:
    import requests

CONNECTIONS = 4  # at a time; a publisher's server gives each of them a share
RECORD = "fetched.json"  # archives that were unpacked, with the sums that they came with
SPARE = 1.05  # room for folders and the last archive's own bytes


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought: files of the data set's folder, and those that its page alone hands out."""

    folder: Path
    files: int
    by_hand: tuple[str, ...]


def fetch(source: FetchSource, folder: Path, limit: int | None, advance: Callable[[int], object]) -> Fetched:
    """Fetch a data set, or its first `limit` recordings, into a folder; UsageError, one sentence, where that fails.

    advance : is told of every piece that is on disk, in bytes
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_room(source, folder, limit)
    with new_session() as session:
        if source.archives:
            count = _fetch_archives(session, source, folder, limit, advance)
        else:
            sums = text_of(session, address(source.base + source.sums))
            count = _fetch_files(session, wanted_files(source, sums, limit), folder, advance)
    missing = tuple(name for name in source.by_hand if not (folder / name).is_file())
    return Fetched(folder, count, missing)


def check_room(source: FetchSource, folder: Path, limit: int | None) -> None:
    """Raise UsageError unless the wanted part fits on the disk, what is there of it counted."""
    there = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    needed = megabytes(source, limit) * MEGABYTE * SPARE - there
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UsageError(
            f"{source.title} takes about {needed / 1e9:,.1f} GB more and {free / 1e9:,.1f} GB are free in {folder}: "
            "choose another disk with --to, or fewer recordings with --limit."
        )


def _fetch_files(
    session: requests.Session, wanted: Sequence[Wanted], folder: Path, advance: Callable[[int], object]
) -> int:
    """Fetch single files, several at a time; the first that fails stops the rest."""
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        for _ in pool.map(lambda one: get(session, one, folder, advance), wanted):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    return len(wanted)


def _fetch_archives(
    session: requests.Session, source: FetchSource, folder: Path, limit: int | None, advance: Callable[[int], object]
) -> int:
    """Fetch and unpack archives one after the other; one that was unpacked is noted, and not fetched again."""
    record = _record(folder)
    wanted = wanted_archives(source, limit)
    for archive in wanted:
        if archive.name in record:
            advance(int(record[archive.name]["bytes"]))
            continue
        file = get(session, Wanted(archive.url, archive.name, archive.sha256), folder, advance)
        digest, size = archive.sha256 or sha256_of(file), file.stat().st_size
        unpack(file, folder)
        record[archive.name] = {"sha256": digest, "bytes": size, "url": archive.url}
        write_whole(folder / RECORD, json.dumps(record, indent=2) + "\n")
        file.unlink()
    return len(wanted)


def _record(folder: Path) -> dict[str, Any]:
    """Return what was unpacked before; nothing where that cannot be read."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
