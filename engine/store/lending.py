"""Reads under way, counted, so that the file below them can be exchanged for another while nobody reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import WorkspaceError

HALTS_IN_S = 60.0  # the longest read that an exchange waits for


class Reads:
    """A count of reads. A read waits while it is halted, unless its thread is inside another one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._halted = False
        self._own = threading.local()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count the block as a read."""
        inside = getattr(self._own, "depth", 0)
        with self._changed:
            while self._halted and not inside:
                self._changed.wait()
            self._running += 1
        self._own.depth = inside + 1
        try:
            yield
        finally:
            self._own.depth = inside
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    @contextmanager
    def halted(self, halts_in_s: float = HALTS_IN_S) -> Iterator[None]:
        """Let nobody read in the block; waits for the reads that have begun. WorkspaceError where one does not end."""
        with self._changed:
            self._halted = True
            ended = self._changed.wait_for(lambda: not self._running, halts_in_s)
        try:
            if not ended:
                raise WorkspaceError("The workspace is being read and cannot be written anew now: try again.")
            yield
        finally:
            with self._changed:
                self._halted = False
                self._changed.notify_all()
