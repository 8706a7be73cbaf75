"""A process that sends in the place of an archive's machines: what it takes of the processor is not the system's."""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from engine.settings import DEMO
from engine.synthetic.archive import cohort_objects, send

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

TITLE = "CASEBIND"  # of the listener that is sent to
SENDERS = 8  # titles that it knows: S1, S2 …

_made: list[FileDataset] = []  # objects of the process that sends


class SendingProcess:
    """The process, from its start until it is closed."""

    def __init__(self, niceness: int = 0) -> None:
        """niceness: with which it sends, as other machines take none of this one's processors"""
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=os.nice, initargs=(niceness,))
        self.pid = self._pool.submit(os.getpid).result()

    def __enter__(self) -> SendingProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def make(self, objects: int) -> None:
        """Make what is to be sent, films and ECGs in turn, under new numbers, so that its making is not timed."""
        self._pool.submit(_make, objects).result()

    def begin(self, port: int, *, first: int = 0, count: int | None = None, at_once: int = 1) -> Future[int]:
        """Send some of it by so many senders at once; the result is how many objects were acknowledged."""
        return self._pool.submit(_send, port, first, count, at_once)


def _make(objects: int) -> None:
    _made[:] = cohort_objects(DEMO, objects)


def _send(port: int, first: int, count: int | None, at_once: int) -> int:
    some = _made[first:][:count]

    def one(number: int) -> int:
        return send(some[number::at_once], ("127.0.0.1", port), title=f"S{number + 1}", called=TITLE)

    with ThreadPoolExecutor(at_once) as pool:
        return sum(pool.map(one, range(at_once)))
