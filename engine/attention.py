"""Work in the background gives way while a page is being drawn: nobody waits for it, and somebody waits for the page.

To go behind other work is not enough: a processor that is busy beside the app slows it, however low its priority, where
both are threads of one core or share its cache. One byte of memory that the app shares with the processes that it
starts says whether a page is being drawn.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

LOOKS_EVERY_S = 0.005  # at the byte, while it says so
LONGEST_S = 2.0  # that work waits beyond its share, before it goes on beside pages that never end
SHARE = 5  # of the time, work has at least one part in so many


class _Drawing:
    """How many pages this process is drawing, and the byte that says whether there are any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pages = 0
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(b"\0")
            self._byte = mmap.mmap(file.fileno(), 1)
            self.descriptor = os.dup(file.fileno())  # until this process ends

    @contextmanager
    def page(self) -> Iterator[None]:
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def none_left(self, most_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._pages, most_s)

    def _add(self, pages: int) -> None:
        with self._changed:
            self._pages += pages
            self._byte[0] = self._pages > 0
            if not self._pages:
                self._changed.notify_all()


@cache
def _drawing() -> _Drawing:
    return _Drawing()


@contextmanager
def drawing() -> Iterator[None]:
    """Have work in the background give way while the block draws a page."""
    with _drawing().page():
        yield


def let_pages_go_first(most_s: float) -> bool:
    """Wait until this process draws no page, at most so many seconds; return whether it draws none."""
    return _drawing().none_left(most_s)


def descriptor() -> int:
    """Return the descriptor that a process is handed for its `GivesWay`."""
    return _drawing().descriptor


class GivesWay:
    """Work of another process than the one that draws pages. Used from any thread."""

    def __init__(self, descriptor: int) -> None:
        """descriptor: of the process that draws pages"""
        self._byte = mmap.mmap(descriptor, 1, prot=mmap.PROT_READ)
        self._lock = threading.Lock()
        self._left = time.monotonic()  # when work last went on
        self._owed_s = 0.0  # that it waited beyond its share
        self._forced = False

    def __call__(self) -> None:
        """Return once no page is being drawn, or once work has waited for so long that it is its turn."""
        with self._lock:
            begun = time.monotonic()
            self._owed_s = max(0.0, self._owed_s - (SHARE - 1) * (begun - self._left))
            self._forced &= self._owed_s > 0
            while self._byte[0] and not self._forced:
                time.sleep(LOOKS_EVERY_S)
                waited = time.monotonic() - begun
                self._forced = self._owed_s + waited >= LONGEST_S
            self._left = time.monotonic()
            self._owed_s += self._left - begun
