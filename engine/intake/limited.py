"""Uploads read in a process of their own, so that none takes the memory, the processor or the time of the others.

One warm process (engine.intake.reader_process) forks a reader for every upload. A reader first has a moment beside the
others, and most uploads need no more. What is large, or needs more, is read anew behind other work, among few of its
kind and within the limits of the settings.

What an archive sends in numbers is read by readers that are shared (`SharedReaders`), under the limits of a moment.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from engine import counters
from engine.errors import IntakeError, QuestionError, UsageError
from engine.intake import burned_in, scratch
from engine.intake.forked_reader import ForkedReader
from engine.intake.messages import Message, MessageError, content_out, study_in
from engine.intake.pseudonyms import process_key
from engine.intake.settle import settled
from engine.intake.upload import Answers, Upload, check_sizes
from engine.settings import read_memory_mb, read_seconds
from engine.study import Box, Film, Study

A_MOMENT_S = 0.5  # of the processor: what most uploads are read within
WALL = 2  # seconds of the clock that a reader may take for each of the processor's
AT_ONCE = 8  # readers that have their moment
LONG_AT_ONCE = max(2, (os.cpu_count() or 1) - 1)  # readers of what takes longer


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
    job = _job(uploads, answers, key)
    for lane, cpu_s in ((_QUICK, min(A_MOMENT_S, most_s)), (_LONG, most_s)):
        limits = _Limits(cpu_s, WALL * most_s, memory_mb, lane.yields or background)
        if (answer := _in_turn(lane, job, limits)) is not None:
            return settled(_study(answer))
    raise IntakeError(
        f"The upload is not read within {most_s:g} s and {memory_mb:,} MB, and its reader was stopped: "
        "export a shorter stretch or a smaller image."
    )


class SharedReaders:
    """Readers that go on from file to file of one source, such as what one sender sends; used from any thread.

    To begin and end a reader takes longer than to read an object. A shared one ends after so many files, once its
    memory has grown, and with every file of which it makes no study at once. Such a file is read anew by
    `read_limited`, so what it was refused for was found by a reader that has read nothing else.
    """

    def __init__(self, most: int) -> None:
        """most: readers that wait for the next file of their source"""
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, ForkedReader]] = []  # the one that has waited longest first

    def read(self, source: str, uploads: Sequence[Upload], key: bytes) -> Study:
        """Return the study in an upload as `read_limited` does, with its errors.

        source : files of one source alone share a reader
        """
        check_sizes(uploads)
        reader = self._taken(source)
        most_s, memory_mb = _settings()
        limits = _Limits(min(A_MOMENT_S, most_s), WALL * most_s, memory_mb, _QUICK.yields)
        job = _job(uploads, Answers(), key)
        try:
            answer = _in_turn(_QUICK, Message({**job.body, "goes_on": True}, job.parts), limits, reader)
        except IntakeError:
            reader.close()
            raise
        if answer is None or "study" not in answer.body:
            reader.close()
            return read_limited(uploads, key=key)
        self._give_back(source, reader, is_over=bool(answer.body["is_over"]))
        return settled(_study(answer))

    def close(self) -> None:
        """Let those that wait end."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for _, reader in waiting:
            reader.close()

    def _taken(self, source: str) -> ForkedReader:
        with self._lock:
            for place, (name, reader) in enumerate(self._waiting):
                if name == source:
                    del self._waiting[place]
                    return reader
        return ForkedReader()

    def _give_back(self, source: str, reader: ForkedReader, *, is_over: bool) -> None:
        with self._lock:
            if not is_over:
                self._waiting.append((source, reader))
                if len(self._waiting) <= self._most:
                    return
                _, reader = self._waiting.pop(0)
        reader.close()


def text_boxes_limited(film: Film) -> tuple[Box, ...] | None:
    """Return where a film seems to carry text, as `engine.intake.burned_in.text_boxes` does, behind other work.

    None where the extra `ocr` is not installed, or the search passed a limit: then text was not looked for.
    """
    if not burned_in.is_available():
        return None
    most_s, memory_mb = _settings()
    limits = _Limits(most_s, WALL * most_s, memory_mb, _LONG.yields)
    parts: list[bytes] = []
    job = {"film": content_out(film, parts)}
    found = _in_turn(_LONG, Message(job, parts), limits)
    if found is None or "boxes" not in found.body:
        return None
    return tuple((float(box[0]), float(box[1]), float(box[2]), float(box[3])) for box in found.body["boxes"])


def _settings() -> tuple[float, int]:
    """Return the seconds and the megabytes that one upload may take; UsageError where they are no such numbers."""
    with suppress(ValueError):
        seconds, megabytes = read_seconds(), read_memory_mb()
        if seconds > 0 and megabytes > 0:
            return seconds, megabytes
    raise UsageError("CASEBIND_READ_SECONDS and CASEBIND_READ_MEMORY_MB are numbers above 0: set them to such.")


def _job(uploads: Sequence[Upload], answers: Answers, key: bytes) -> Message:
    body = {"names": [upload.name for upload in uploads], "answers": asdict(answers)}
    return Message(body, [key or process_key(), *(upload.data for upload in uploads)])


def _in_turn(lane: _Lane, job: Message, limits: _Limits, shared: ForkedReader | None = None) -> Message | None:
    """Return the answer of a reader, or None where it was stopped or has failed; waits for its turn first.

    shared : the reader that is asked, and may be asked again; None for one of its own
    """
    if not lane.turns.acquire(timeout=limits.wall_s):
        raise IntakeError("Many uploads are being read and this one found no turn: drop it again in a minute.")
    try:
        # What a reader writes for a library that reads files alone goes with it, however it ends.
        with scratch.room() as folder:
            asked = Message({**job.body, "limits": asdict(limits), "folder": str(folder)}, job.parts)
            if shared is not None:
                return shared.answer(asked, limits.wall_s)
            with ForkedReader() as reader:
                return reader.answer(asked, limits.wall_s)
    finally:
        lane.turns.release()


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
