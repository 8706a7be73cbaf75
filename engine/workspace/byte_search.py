"""A search of every byte in a folder for what must not be there any more.

`apart` does it in a process of its own: to open and close a file that this process has open, by DuckDB, SQLite or the
journal, would give up this process's locks on it (POSIX, fcntl: all are gone when any descriptor is closed).
"""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from engine.errors import WorkspaceError
from engine.files import sha256_of

PIECE = 1 << 24  # bytes whose letters are folded at once


@dataclass(frozen=True)
class Sequences:
    """What is searched for: as it is spelt, and with ASCII letters in either case."""

    exact: Sequence[bytes] = ()
    in_any_case: Sequence[bytes] = ()


@dataclass(frozen=True)
class Searched:
    """What was searched, and how often something was found: file, relative to the folder → occurrences."""

    files: int
    bytes: int
    found: dict[str, int] = field(default_factory=dict)


def search_bytes(folder: Path, wanted: Sequences, left_out: Collection[str] = ()) -> Searched:
    """Search the names and contents of all files below a folder.

    left_out : names of files and folders, directly in the folder, that are not searched
    """
    found: dict[str, int] = {}
    files = size = 0
    for path in files_below(folder, left_out):
        name = path.relative_to(folder).as_posix()
        try:
            n, read = _occurrences(path, wanted)
        except FileNotFoundError:  # gone meanwhile, such as a cache's
            continue
        n += _count_all(os.fsencode(name), wanted)
        files, size = files + 1, size + read
        if n:
            found[name] = n
    return Searched(files, size, found)


def apart(folder: Path, wanted: Sequences, left_out: Collection[str], file: Path) -> tuple[Searched, str]:
    """Return what search_bytes finds, and the SHA-256 of one file, as hex. WorkspaceError where the process fails."""
    request = {
        "folder": str(folder),
        "exact": [one.hex() for one in wanted.exact],
        "in_any_case": [one.hex() for one in wanted.in_any_case],
        "left_out": list(left_out),
        "file": str(file),
    }
    command = [sys.executable, "-P", "-m", "engine.workspace.byte_search"]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip()[-200:]
        raise WorkspaceError(f"The files of {folder} could not be searched ({reason}): do the same again.")
    answer = json.loads(done.stdout)
    return Searched(answer["files"], answer["bytes"], answer["found"]), answer["digest"]


def main() -> None:
    """Answer one request of `apart`."""
    asked = json.load(sys.stdin)
    exact, in_any_case = ([bytes.fromhex(one) for one in asked[name]] for name in ("exact", "in_any_case"))
    searched = Searched(0, 0)
    if exact or in_any_case:
        searched = search_bytes(Path(asked["folder"]), Sequences(exact, in_any_case), asked["left_out"])
    print(json.dumps({**asdict(searched), "digest": sha256_of(Path(asked["file"]))}))


def files_below(folder: Path, left_out: Collection[str] = ()) -> Iterator[Path]:
    """Yield every file below a folder in the order of their names, but for those that are left out at its top."""
    for home, folders, names in os.walk(folder):
        top = Path(home) == folder
        folders[:] = sorted(one for one in folders if not (top and one in left_out))
        for name in sorted(names):
            path = Path(home, name)
            if not (top and name in left_out) and path.is_file() and not path.is_symlink():
                yield path


def _occurrences(path: Path, wanted: Sequences) -> tuple[int, int]:
    """Return how often any of the sequences occurs in a file, and the file's size."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return 0, 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _count_all(content, wanted), size


def _count_all(content: mmap.mmap | bytes, wanted: Sequences) -> int:
    """Return how often any of the sequences occurs; letter case is folded a piece at a time."""
    n = sum(_count(content, one) for one in wanted.exact)
    lower = [one.lower() for one in wanted.in_any_case]
    beyond = max(map(len, lower), default=0)
    for first in range(0, len(content), PIECE) if lower else ():
        piece = content[first : first + PIECE + beyond].lower()
        n += sum(_count(piece, one, PIECE) for one in lower)
    return n


def _count(content: mmap.mmap | bytes, one: bytes, begin_before: int | None = None) -> int:
    """Return how often a sequence begins before a place, or anywhere."""
    end = len(content) if begin_before is None else begin_before + len(one) - 1
    n, at = 0, content.find(one, 0, end)
    while at >= 0:
        n, at = n + 1, content.find(one, at + 1, end)
    return n


if __name__ == "__main__":
    main()
