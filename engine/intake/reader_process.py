"""The process that reads uploads: `python -m engine.intake.reader_process FD FOLDER [behind]`.

FD is a socket of the app. The process has the readers' libraries loaded and forks a reader for every upload, which
limits itself, reads, answers and ends. So whatever a file does to a reader ends with it, nothing of one upload is left
for the next, and no reader starts cold. The process and its readers end when the app does, and
FOLDER, below which readers write, goes with them. With `behind` all other work of the machine goes before theirs.

What comes from an archive in numbers may share a reader (engine.intake.limited.SharedReaders): it goes on while each
file is a study at once, each within limits of its own, until it has read SHARED files or its memory has grown.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
import warnings
from contextlib import suppress

from engine.background import go_behind
from engine.errors import CasebindError, QuestionError
from engine.intake import burned_in, formats, scratch
from engine.intake.archive import announced_bytes
from engine.intake.messages import Message, MessageError, content_in, receive, send, study_message
from engine.intake.read import parse
from engine.intake.upload import MEGABYTE, Answers, Upload
from engine.settings import UNPACKED_LIMIT_MB
from engine.study import Film

# What readers import when they meet the first file of a format; a missing one is reported by its reader.
LIBRARIES = (
    "pandas",
    "scipy.signal",
    "wfdb",
    "soundfile",
    "fsspec.implementations.local",
    "edfio",
    "ecgdatakit.parsing.codecs",
    "ecgdatakit.parsing.parsers",
    "fastavro",
    "pydicom.pixels",
    "dicognito.anonymizer",
    "openjpeg",
    "jpeg_ls",
    "gdcm",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.ImageOps",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.PpmImagePlugin",
    "engine.intake.dicom_film",
    "engine.intake.dicom_trace",
    "rapidocr.main",
)
MOST_BYTES = 2 * UNPACKED_LIMIT_MB * MEGABYTE  # of one message
LARGE_BYTES = 30 * MEGABYTE  # of an upload, unpacked: more than most films and recordings have
SHARED = 200  # files that one reader reads at most: then its beginning costs each of them little
GROWN_BYTES = 200 * MEGABYTE  # by which the memory of a shared reader may grow before another takes its place
_FIRST_WAIT_S = 60  # in which the app sends an upload that it announced
_FOREVER_S = 1e6  # in which a shared reader is sent the next
_NICENESS = 10  # of a reader that yields: a tenth of the share of others


def main() -> None:
    """Read what the command line says."""
    warnings.simplefilter("ignore")
    if sys.argv[3:]:
        go_behind()
    fork_readers(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)  # the readers
    shutil.rmtree(sys.argv[2], ignore_errors=True)


def fork_readers(control: socket.socket) -> None:
    """Fork a reader for every socket that arrives; return when the app has gone."""
    _be_the_first_to_go()
    for library in (*LIBRARIES, *_readers()):
        with suppress(ImportError):
            importlib.import_module(library)
    gc.collect()
    gc.freeze()  # readers share these pages
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        for descriptor in descriptors:
            _fork(control, descriptor)


def _readers() -> list[str]:
    """Return the modules of the formats' readers."""
    return sorted({row.reader.partition(":")[0] for row in formats.READABLE.values()})


def _be_the_first_to_go() -> None:
    """Ask Linux to end readers, not the app, where the machine's memory runs out."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def _reap(*_: object) -> None:
    """Let readers that ended go; the time that they took counts as that of this process's children from then on."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _fork(control: socket.socket, descriptor: int) -> None:
    """Fork a reader for a connection and say there which process it is."""
    connection = socket.socket(fileno=descriptor)
    if pid := os.fork():
        with connection, suppress(OSError):  # the app has gone
            send(connection, Message({"pid": pid}))
        return
    try:
        control.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _serve(connection)
    finally:
        os._exit(0)


def _serve(connection: socket.socket) -> None:
    """Do what the connection asks, each within its limits, and answer: one job, or several that share a reader.

    A large upload is left to a reader that yields, without an answer.
    """
    begun, wait_s = _virtual_bytes(), float(_FIRST_WAIT_S)
    with suppress(MessageError, OSError):  # the app has gone
        for number in range(1, SHARED + 1):
            job = receive(connection, until=time.monotonic() + wait_s, most=MOST_BYTES)
            is_shared = bool(job.body.get("goes_on"))
            limit(**job.body["limits"], is_shared=is_shared)
            result = _done(job)
            if result is None:
                return
            goes_on = is_shared and "study" in result.body and number < SHARED
            goes_on = goes_on and _virtual_bytes() < begun + GROWN_BYTES
            connection.settimeout(None)
            send(connection, Message({**result.body, "is_over": not goes_on}, result.parts))
            if not goes_on:
                return
            _unlimited()
            wait_s = _FOREVER_S


def _done(job: Message) -> Message | None:
    """Look for text in the film of a job, or read its upload; None for a large one whose reader yields to nobody."""
    if "film" in job.body:
        return boxes(job)
    uploads = [Upload(name, bytes(data)) for name, data in zip(job.body["names"], job.parts[1:], strict=True)]
    if not job.body["limits"]["yields"] and sum(map(announced_bytes, uploads)) > LARGE_BYTES:
        return None
    return answer(uploads, job)


def answer(uploads: list[Upload], job: Message) -> Message:
    """Return the study, the question or the sentence that reading an upload leads to."""
    tempfile.tempdir = job.body["folder"]  # of libraries
    scratch.use(job.body["folder"])
    try:
        study = study_message(parse(uploads, Answers(**job.body["answers"]), bytes(job.parts[0])))
    except QuestionError as error:
        return Message({"question": str(error), "field": error.field, "choices": error.choices})
    except CasebindError as error:
        return Message({"error": str(error)})
    return Message({"study": study.body}, study.parts)


def boxes(job: Message) -> Message:
    """Return the boxes of text in the film of a job, or nothing where it cannot be looked for."""
    film = content_in(job.body["film"], job.parts)
    try:
        return Message({"boxes": burned_in.text_boxes(film)} if isinstance(film, Film) else {})
    except Exception:  # whatever a library raises: then text was not looked for
        return Message({})


def limit(*, cpu_s: float, wall_s: float, memory_mb: int, yields: bool, is_shared: bool = False) -> None:
    """Limit the processor's time, the clock and the memory of this process; the system ends it where a time is over.

    memory_mb : beside what it has; systems other than Linux may know no such limit
    yields    : whether other work goes before
    is_shared : whether the limits are of one file, and the next one has its own
    """
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)
    limits = {resource.RLIMIT_CPU: int(time.process_time() + cpu_s) + 2, resource.RLIMIT_CORE: 0}
    with suppress(OSError):
        limits[resource.RLIMIT_AS] = _virtual_bytes() + memory_mb * MEGABYTE
    for what, value in limits.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (value, resource.getrlimit(what)[1] if is_shared else value))
    if yields:
        os.nice(_NICENESS)


def _unlimited() -> None:
    """Let no time pass for a reader that waits."""
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _virtual_bytes() -> int:
    """Return the size of this process's memory as the limit counts it; OSError where it cannot be known."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main()
