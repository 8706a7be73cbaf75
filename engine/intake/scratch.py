"""A private folder for readers of libraries that take files alone: an upload lies there in plain while it is read.

    <temporary folder>/casebind-reading-XXXXXXXX/     of one process, for its owner alone (0700)
                                                /lock  held by that process for as long as it lives
                                                /…     one folder for each file that is read, gone when it is read

The system lets go of the lock of a process that is killed. Whoever begins deletes the folders that nobody holds.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX, LOCK = "casebind-reading-", "lock"
UNLOCKED_S = 3600.0  # a folder without a lock this old is none that is just being made
_making = threading.Lock()
_mine: tuple[int, Path] | None = None  # of this process: which it is, and its folder
_given: Path | None = None  # where another process made the room of this one


def use(folder: str) -> None:
    """Make rooms in a folder that another process made, which deletes it too."""
    global _given
    _given = Path(folder)


@contextmanager
def room() -> Iterator[Path]:
    """Give a private folder that is gone afterwards, even where what it was used for ends this process."""
    with tempfile.TemporaryDirectory(dir=_given or own_folder(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def own_folder() -> Path:
    """Return the folder of this process; one that the system cleared, as being long unused, is made again."""
    global _mine
    with _making:
        if _mine is None or _mine[0] != os.getpid() or not _mine[1].is_dir():
            sweep()
            _mine = os.getpid(), _locked(Path(tempfile.mkdtemp(prefix=PREFIX)))
            atexit.register(_delete, *_mine)
        return _mine[1]


def sweep() -> int:
    """Delete the folders of processes that were killed; return how many."""
    left = [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if _is_abandoned(path)]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _locked(folder: Path) -> Path:
    """Lock a folder for as long as this process lives; the lock is held before it has its name."""
    descriptor = os.open(folder / "new", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    (folder / "new").rename(folder / LOCK)
    return folder


def _is_abandoned(folder: Path) -> bool:
    """Say whether a folder is ours and no process holds it."""
    with suppress(OSError):
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return time.time() - folder.stat().st_mtime > UNLOCKED_S
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        finally:
            os.close(descriptor)
    return False


def _delete(process: int, folder: Path) -> None:
    if os.getpid() == process:  # not a fork of it
        shutil.rmtree(folder, ignore_errors=True)
