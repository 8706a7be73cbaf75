"""Readers: processes that read uploads, forked one by one from a warm process (engine.intake.reader_process)."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from engine.errors import IntakeError
from engine.intake import scratch
from engine.intake.messages import Message, MessageError, TooLateError, receive, send
from engine.settings import ROOT

START_S = 60  # in which the process that forks readers has to start
GRACE_S = 1  # in which a reader whose time is over ends itself
MOST_BYTES = 1_000_000_000  # of an answer
MODULE, BEHIND = "engine.intake.reader_process", "behind"
# What a reader sees of the environment: how to start, and no secret of the app.
ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ")


class ForkedReader:
    """One reader, from its fork until it is closed. Used by one thread at a time."""

    def __init__(self) -> None:
        """Have a reader forked; IntakeError where none starts."""
        for _ in range(2):  # the process that forks may have ended since it was last asked
            control = _process.connection()
            self._connection = _socket_to_one(control)
            try:
                said = receive(self._connection, until=time.monotonic() + START_S, most=MOST_BYTES)
                self.pid = int(said.body["pid"])
                return
            except MessageError:
                self._connection.close()
                _process.end(control)
        raise IntakeError("The upload is not read, since no reader starts: start Casebind again.")

    def __enter__(self) -> ForkedReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the reader go: it ends once it sees that nobody asks any more."""
        self._connection.close()

    def answer(self, job: Message, wall_s: float) -> Message | None:
        """Send a job and return the answer; None where there is none, and a reader that gives none in time is ended."""
        ends = time.monotonic() + wall_s + GRACE_S
        try:
            self._connection.settimeout(wall_s)
            send(self._connection, job)
            return receive(self._connection, until=ends, most=MOST_BYTES)
        except (TooLateError, TimeoutError):
            with suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)  # its socket is open, so it is still that process
            return None
        except (MessageError, OSError):
            return None


def start(*, behind: bool = False) -> None:
    """Start the process that forks readers, if it does not run, so that the first upload need not wait for it.

    behind : whether all other work of the machine goes before whatever this process has read from now on
    """
    _process.behind = behind
    _process.connection()


class _Process:
    """The one process that forks readers; started when it is needed, and again after its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self.behind = False

    def connection(self) -> socket.socket:
        """Return the socket on which it takes readers' sockets."""
        folder = scratch.own_folder()
        with self._lock:
            if self._control is None:
                self._control = self._start(str(folder))
            return self._control

    def end(self, control: socket.socket | None = None) -> None:
        """End the process with its readers; where a socket is given, only the one behind it."""
        with self._lock:
            if self._running is None or self._control is None or control not in (None, self._control):
                return
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
            self._control.close()  # not before, or it would clear the folder of the next one
            self._running = self._control = None

    def _start(self, folder: str) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._running = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE, str(theirs.fileno()), folder, *([BEHIND] if self.behind else [])],
                pass_fds=[theirs.fileno()],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a group of its own, which ends as one
            )
        return ours


_process = _Process()
atexit.register(_process.end)


def _environment() -> dict[str, str]:
    """Return the environment of a reader: it finds this package, and its libraries start no threads before a fork."""
    seen = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(part for part in (str(ROOT), seen.get("PYTHONPATH", "")) if part)
    return {**seen, **threads, "PYTHONPATH": path}


def _socket_to_one(control: socket.socket) -> socket.socket:
    """Return a socket to a reader of its own; closed by the other side where there is none."""
    ours, theirs = socket.socketpair()
    with theirs, suppress(OSError):
        socket.send_fds(control, [b"r"], [theirs.fileno()])
    return ours
