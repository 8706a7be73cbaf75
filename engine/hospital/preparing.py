"""Objects of the inbox prepared by a process of its own (engine.hospital.preparing_process), one for this process.

It begins when the first object is to be prepared, and again when it was killed: what it was asked is then asked once
more. It ends with this process, when another release is asked for, or by `end`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine import attention
from engine.counters import seconds_without_search
from engine.errors import CasebindError
from engine.hospital.prepared import PreparedObject, Task, prepared_in, request
from engine.hospital.preparing_process import AT_ONCE, FOREVER_S, MOST_BYTES
from engine.intake.messages import Message, MessageError, receive, send
from engine.settings import ROOT

if TYPE_CHECKING:
    from engine.model.release import Release

MODULE = "engine.hospital.preparing_process"
QUIET_S = 60.0  # after a search in this process, until nobody is thought to wait for another one
STARTS = 3  # of the process, for one request, before it is given up
ENDED = (
    "The process that prepares objects of the archive has ended several times: see whether the machine has enough "
    "memory; what waits in the inbox stays there."
)


class Preparing:
    """One such process. Used by one thread at a time."""

    def __init__(self, release: Path, behind: bool) -> None:
        """release: folder of the release that encodes; behind: whether all other work of the machine goes before."""
        self.release, self.behind = release, behind
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._asked: dict[int, Message] = {}  # and not answered
        self._answered: dict[int, Message] = {}
        self._last = 0

    @property
    def pid(self) -> int | None:
        """Number of the process; None where none runs."""
        return None if self._process is None else self._process.pid

    @property
    def yields(self) -> bool:
        """Whether other work goes before, and somebody has just searched in this process."""
        return self.behind and seconds_without_search() < QUIET_S

    def start(self) -> None:
        """Start the process if it does not run, so that the first object need not wait for it."""
        if self._connection is not None:
            return
        ours, theirs = socket.socketpair()
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        path = os.pathsep.join(filter(None, (str(ROOT), os.getenv("PYTHONPATH"))))
        command = [sys.executable, "-P", "-m", MODULE, str(theirs.fileno()), str(self.release)]
        pages = attention.descriptor()
        with theirs:
            self._process = subprocess.Popen(
                [*command, *([str(pages)] if self.behind else [])],
                pass_fds=[theirs.fileno(), *([pages] if self.behind else [])],
                env={**os.environ, **threads, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that it can go behind all other work, and Ctrl-C is for this process
            )
        self._connection = ours

    def begin(self, tasks: Sequence[Task], key: bytes, *, looks: bool) -> int:
        """Have objects prepared; return the number under which `result` returns what became of them.

        key : of the workspace; looks : whether text in films is looked for

        All processors work at it, but where it yields: then one does.
        """
        self._last += 1
        at_once = 1 if self.yields else AT_ONCE
        self._asked[self._last] = asked = request(self._last, tasks, key, looks=looks, at_once=at_once)
        self.start()
        self._send(asked)
        return self._last

    def result(self, number: int) -> list[PreparedObject]:
        """Wait for what became of the objects of a request, in their order. Raises CasebindError.

        The process is started again where it was killed meanwhile.
        """
        starts = 0
        while number not in self._answered:
            try:
                found = self._receive()
            except MessageError as error:
                starts += 1
                if starts > STARTS:
                    self.close()
                    raise CasebindError(ENDED) from error
                self._again()
                continue
            answered = int(found.body["number"])
            del self._asked[answered]
            self._answered[answered] = found
        answer = self._answered.pop(number)
        if "error" in answer.body:
            raise CasebindError(str(answer.body["error"]))
        return prepared_in(answer)

    def close(self) -> None:
        """End the process; what was asked and is not answered is forgotten."""
        if self._connection is not None and self._process is not None:
            self._connection.close()
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None
        self._asked, self._answered = {}, {}

    def _again(self) -> None:
        """Start the process anew and ask it what is not answered."""
        asked, answered = self._asked, self._answered
        self.close()
        self._asked, self._answered = asked, answered
        self.start()
        for one in asked.values():
            self._send(one)

    def _send(self, message: Message) -> None:
        if self._connection is not None:
            with suppress(OSError):  # where it has ended, `result` finds out
                send(self._connection, message)

    def _receive(self) -> Message:
        if self._connection is None:
            raise MessageError("no process")
        return receive(self._connection, until=time.monotonic() + FOREVER_S, most=MOST_BYTES)


_lock = threading.Lock()
_shared: Preparing | None = None


def preparing(release: Release, *, behind: bool = False) -> Preparing:
    """Return the process of this one that prepares objects for a release; one for another release ends."""
    global _shared
    with _lock:
        if _shared is None or (_shared.release, _shared.behind) != (release.path, behind):
            if _shared is not None:
                _shared.close()
            _shared = Preparing(release.path, behind)
        return _shared


def end() -> None:
    """End the process, where there is one; it begins again when it is needed."""
    with _lock:
        if _shared is not None:
            _shared.close()
