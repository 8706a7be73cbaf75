"""Uploads read in a process of their own, so that none takes the memory, the processor or the time of the others.

One warm process (engine.intake.reader_process) forks a reader for every upload. A reader first has a moment beside the
others, and most uploads need no more. What is large, or needs more, is read anew behind other work, among few of its
kind and within the limits of the settings.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from engine import counters
from engine.errors import IntakeError, QuestionError, UsageError
from engine.intake import burned_in, scratch
from engine.intake.messages import Message, MessageError, TooLateError, content_out, receive, send, study_in
from engine.intake.pseudonyms import process_key
from engine.intake.settle import settled
from engine.intake.upload import Answers, Upload, check_sizes
from engine.settings import ROOT, read_memory_mb, read_seconds
from engine.study import Box, Film, Study

A_MOMENT_S = 0.5  # of the processor: what most uploads are read within
WALL = 2  # seconds of the clock that a reader may take for each of the processor's
AT_ONCE = 8  # readers that have their moment
LONG_AT_ONCE = max(2, (os.cpu_count() or 1) - 1)  # readers of what takes longer
START_S = 60  # in which the process that forks readers has to start
GRACE_S = 1  # in which a reader whose time is over ends itself
MOST_BYTES = 1_000_000_000  # of an answer
MODULE, BEHIND = "engine.intake.reader_process", "behind"
# What a reader sees of the environment: how to start, and no secret of the app.
ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ")


@dataclass(frozen=True)
class _Lane:
    """Readers of one kind: how many there are at once, and whether other work goes before theirs."""

    turns: threading.BoundedSemaphore = field(repr=False)
    yields: bool


_QUICK = _Lane(threading.BoundedSemaphore(AT_ONCE), yields=False)
_LONG = _Lane(threading.BoundedSemaphore(LONG_AT_ONCE), yields=True)


@dataclass(frozen=True)
class _Limits:
    """Of one reader, as engine.intake.reader_process.limit takes them."""

    cpu_s: float
    wall_s: float
    memory_mb: int
    yields: bool


def read_limited(
    uploads: Sequence[Upload],
    answers: Answers = Answers(),  # noqa: B008 (frozen)
    key: bytes = b"",
    *,
    background: bool = False,
) -> Study:
    """Return the study in an upload as `engine.intake.read.read` does, with its errors, read within limits.

    An upload that passes a limit, or ends its reader, is an IntakeError; it harms no other.

    background : whether the reading goes behind other work of the machine
    """
    try:
        return _read(uploads, answers, key, background)
    except QuestionError:
        raise
    except IntakeError:
        counters.refused("unreadable")
        raise


def _read(uploads: Sequence[Upload], answers: Answers, key: bytes, background: bool) -> Study:
    check_sizes(uploads)
    most_s, memory_mb = _settings()
    parts = [key or process_key(), *(upload.data for upload in uploads)]
    job = {"names": [upload.name for upload in uploads], "answers": asdict(answers)}
    for lane, cpu_s in ((_QUICK, min(A_MOMENT_S, most_s)), (_LONG, most_s)):
        limits = _Limits(cpu_s, WALL * most_s, memory_mb, lane.yields or background)
        if (answer := _in_turn(lane, Message({**job, "limits": asdict(limits)}, parts), limits.wall_s)) is not None:
            return settled(_study(answer))
    raise IntakeError(
        f"The upload is not read within {most_s:g} s and {memory_mb:,} MB, and its reader was stopped: "
        "export a shorter stretch or a smaller image."
    )


def text_boxes_limited(film: Film) -> tuple[Box, ...] | None:
    """Return where a film seems to carry text, as `engine.intake.burned_in.text_boxes` does, behind other work.

    None where the extra `ocr` is not installed, or the search passed a limit: then text was not looked for.
    """
    if not burned_in.is_available():
        return None
    most_s, memory_mb = _settings()
    limits = _Limits(most_s, WALL * most_s, memory_mb, _LONG.yields)
    parts: list[bytes] = []
    job = {"film": content_out(film, parts), "limits": asdict(limits)}
    found = _in_turn(_LONG, Message(job, parts), limits.wall_s)
    if found is None or "boxes" not in found.body:
        return None
    return tuple((float(box[0]), float(box[1]), float(box[2]), float(box[3])) for box in found.body["boxes"])


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


def _settings() -> tuple[float, int]:
    """Return the seconds and the megabytes that one upload may take; UsageError where they are no such numbers."""
    with suppress(ValueError):
        seconds, megabytes = read_seconds(), read_memory_mb()
        if seconds > 0 and megabytes > 0:
            return seconds, megabytes
    raise UsageError("CASEBIND_READ_SECONDS and CASEBIND_READ_MEMORY_MB are numbers above 0: set them to such.")


def _environment() -> dict[str, str]:
    """Return the environment of a reader: it finds this package, and its libraries start no threads before a fork."""
    seen = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(part for part in (str(ROOT), seen.get("PYTHONPATH", "")) if part)
    return {**seen, **threads, "PYTHONPATH": path}


def _in_turn(lane: _Lane, job: Message, wall_s: float) -> Message | None:
    """Return a reader's answer, or None where it was stopped or has failed; waits for its turn first."""
    if not lane.turns.acquire(timeout=wall_s):
        raise IntakeError("Many uploads are being read and this one found no turn: drop it again in a minute.")
    try:
        # What a reader writes for a library that reads files alone goes with it, however it ends.
        with scratch.room() as folder:
            return _ask(Message({**job.body, "folder": str(folder)}, job.parts), wall_s)
    finally:
        lane.turns.release()


def _ask(job: Message, wall_s: float) -> Message | None:
    for _ in range(2):  # the process that forks may have ended since it was last asked
        control = _process.connection()
        with _reader(control) as connection:
            try:
                pid = int(receive(connection, until=time.monotonic() + START_S, most=MOST_BYTES).body["pid"])
            except MessageError:
                _process.end(control)
                continue
            return _answer(connection, pid, job, wall_s)
    raise IntakeError("The upload is not read, since no reader starts: start Casebind again.")


def _reader(control: socket.socket) -> socket.socket:
    """Return a socket to a reader of its own; closed by the other side where there is none."""
    ours, theirs = socket.socketpair()
    with theirs, suppress(OSError):
        socket.send_fds(control, [b"r"], [theirs.fileno()])
    return ours


def _answer(connection: socket.socket, pid: int, job: Message, wall_s: float) -> Message | None:
    """Send an upload to its reader and return the answer; a reader that gives none in time is ended."""
    ends = time.monotonic() + wall_s + GRACE_S
    try:
        connection.settimeout(wall_s)
        send(connection, job)
        return receive(connection, until=ends, most=MOST_BYTES)
    except (TooLateError, TimeoutError):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)  # its socket is open, so it is still that process
        return None
    except (MessageError, OSError):
        return None


def _study(answer: Message) -> Study:
    """Return the study of an answer; QuestionError or IntakeError where it is another one."""
    body = answer.body
    if "question" in body:
        choices = tuple(str(choice) for choice in body["choices"])
        raise QuestionError(str(body["question"]), field=str(body["field"]), choices=choices)
    if "error" in body:
        raise IntakeError(str(body["error"]))
    try:
        return study_in(Message(body["study"], answer.parts))
    except (MessageError, KeyError) as error:
        raise IntakeError("The upload was read into what is no study: export it again.") from error
