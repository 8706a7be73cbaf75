"""The process that prepares objects of the inbox: `python -m engine.hospital.preparing_process FD RELEASE [PAGES]`.

FD is a socket of whoever takes up, RELEASE the folder of a release. Objects are read, de-identified, looked at, judged
and encoded here, so that neither the processor nor the interpreter of the app is held by it. With PAGES, a descriptor
of `engine.attention`, all other work of the machine goes before, and it stands still while the app draws a page. It
opens no workspace, and ends when whoever takes up does.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from engine.attention import GivesWay
from engine.background import go_behind
from engine.errors import CasebindError, QuestionError
from engine.hospital.film_text import FilmText, WaitsError
from engine.hospital.prepared import PreparedObject, Task, answer, tasks_in
from engine.intake.forked_reader import start
from engine.intake.limited import SharedReaders, read_limited
from engine.intake.messages import Message, MessageError, receive, send
from engine.intake.read import read_text
from engine.intake.upload import Upload
from engine.model.release import Release, load_release
from engine.store.content import file_of
from engine.study import Study
from engine.workspace.manifest import StudyEntry
from engine.workspace.pipeline import Outcome, encode_batches

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle

FOREVER_S = 1e6
MOST_BYTES = 1_000_000_000  # of one message
AT_ONCE = max(2, os.cpu_count() or 1)  # files that are read, parts of a request that are judged and encoded
FAILED = "Objects of the archive could not be prepared"


@dataclass(frozen=True, eq=False)
class _Part:
    """Tasks of a request that are judged and encoded together. files: a reading for each, None for a text."""

    tasks: Sequence[Task]
    files: Sequence[Future[Study] | None]
    key: bytes
    looks: bool


def main() -> None:
    """Do what the command line says."""
    warnings.simplefilter("ignore")
    gives_way = GivesWay(int(sys.argv[3])) if sys.argv[3:] else None
    if gives_way is not None:
        go_behind()
        between_layers(gives_way)
    start(behind=gives_way is not None)
    serve(socket.socket(fileno=int(sys.argv[1])), load_release(Path(sys.argv[2])), gives_way or (lambda: None))


def between_layers(gives_way: Callable[[], None]) -> RemovableHandle:
    """Have a function called before each layer of every encoder of this process; layers take some milliseconds."""
    from torch.nn.modules.module import register_module_forward_pre_hook

    return register_module_forward_pre_hook(lambda *_: gives_way())


def serve(connection: socket.socket, release: Release, gives_way: Callable[[], None]) -> None:
    """Prepare what is asked for until the other side has gone, and answer in order.

    A request is prepared in as many parts as processors work at it, each by one thread from the gate to the code: so
    no processor waits for another one. Files of the next request are read meanwhile.

    gives_way : is called before each file is read
    """
    begun: SimpleQueue[tuple[int, list[Future[list[PreparedObject]]]]] = SimpleQueue()
    pools = {count: (ThreadPoolExecutor(count), ThreadPoolExecutor(count)) for count in {1, AT_ONCE}}
    shared = SharedReaders(AT_ONCE)
    Thread(target=_answer, args=(connection, begun), daemon=True).start()
    with suppress(MessageError):
        while True:
            asked = receive(connection, until=time.monotonic() + FOREVER_S, most=MOST_BYTES)
            key, tasks, at_once = bytes(asked.parts[0]), tasks_in(asked), int(asked.body["at_once"])
            readers, hands = pools[at_once]
            files = [readers.submit(_read, one, key, shared, gives_way) if one.file else None for one in tasks]
            each = -(-len(tasks) // at_once) or 1
            parts = [
                _Part(tasks[first : first + each], files[first : first + each], key, bool(asked.body["looks"]))
                for first in range(0, len(tasks), each)
            ]
            begun.put((int(asked.body["number"]), [hands.submit(prepare, one, release) for one in parts]))
    os._exit(0)  # whatever is still under way: nobody waits for it


def _answer(connection: socket.socket, begun: SimpleQueue[tuple[int, list[Future[list[PreparedObject]]]]]) -> None:
    while True:
        number, parts = begun.get()
        try:
            made = answer(number, list(chain.from_iterable(one.result() for one in parts)))
        except CasebindError as error:
            made = Message({"number": number, "error": str(error)})
        except Exception as error:
            made = Message({"number": number, "error": f"{FAILED} ({type(error).__name__}): see what was sent."})
        with suppress(OSError):  # the other side has gone, and this process ends
            send(connection, made)


def prepare(part: _Part, release: Release) -> list[PreparedObject]:
    """Return what became of each task, in order."""
    seen: dict[int, Study] = {}
    read: set[int] = set()
    questions: dict[int, str] = {}
    text = FilmText(part.looks)

    def entry(number: int, task: Task, file: Future[Study] | None) -> StudyEntry:
        def load(_: bytes) -> Study:
            study = seen[number] = read_text(task.text) if file is None else file.result()
            if file is not None:
                study = (text.upload_passed if task.is_upload else text.passed)(study, task.why)
            read.add(number)
            return study

        def asked(key: bytes) -> Study:
            try:
                return load(key)
            except (QuestionError, WaitsError) as error:
                questions[number] = str(error)
                raise

        return StudyEntry(number, "", "", read=asked)

    entries = [entry(*one) for one in zip(range(len(part.tasks)), part.tasks, part.files, strict=True)]
    outcomes = [one for some in encode_batches(entries, release, part.key) for one in some]
    return [_prepared(one, seen.get(n), n in read, questions.get(n, "")) for n, one in enumerate(outcomes)]


def _prepared(outcome: Outcome, seen: Study | None, is_read: bool, question: str) -> PreparedObject:
    study = outcome.study
    return PreparedObject(
        study or seen,
        is_read,
        question,
        outcome.reason,
        outcome.score,
        outcome.embedding,
        outcome.code,
        file_of(study.content) if outcome.accepted and study is not None else None,
    )


def _read(task: Task, key: bytes, shared: SharedReaders, gives_way: Callable[[], None]) -> Study:
    gives_way()
    uploads = [Upload("object.dcm", Path(task.file).read_bytes())]
    return shared.read(task.source, uploads, key) if task.source else read_limited(uploads, key=key)


if __name__ == "__main__":
    main()
