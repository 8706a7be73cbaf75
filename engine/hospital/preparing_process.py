"""The process that prepares objects of the inbox: `python -m engine.hospital.preparing_process FD RELEASE [behind]`.

FD is a socket of whoever takes up, RELEASE the folder of a release. Objects are read, de-identified, looked at, judged
and encoded here, so that neither the processor nor the interpreter of the app is held by it. With `behind` all other
work of the machine goes before. It opens no workspace, and ends when whoever takes up does.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from engine.background import go_behind
from engine.errors import CasebindError, QuestionError
from engine.hospital.film_text import FilmText, WaitsError
from engine.hospital.prepared import PreparedObject, Task, answer, tasks_in
from engine.intake import limited
from engine.intake.messages import Message, MessageError, receive, send
from engine.intake.read import read_text
from engine.intake.upload import Upload
from engine.model.release import Release, load_release
from engine.store.content import file_of
from engine.study import Study
from engine.workspace.manifest import StudyEntry
from engine.workspace.pipeline import Outcome, encode_batches

FOREVER_S = 1e6
MOST_BYTES = 1_000_000_000  # of one message
AT_ONCE = max(2, os.cpu_count() or 1)  # files that are read at once, and studies that are judged
FAILED = "Objects of the archive could not be prepared"


@dataclass(frozen=True, eq=False)
class _Begun:
    """A request whose files are being read. files: a reading for each task, None for a text."""

    number: int
    tasks: Sequence[Task]
    files: Sequence[Future[Study] | None]
    key: bytes
    looks: bool


def main() -> None:
    """Do what the command line says."""
    warnings.simplefilter("ignore")
    behind = bool(sys.argv[3:])
    if behind:
        go_behind()
    limited.start(behind=behind)
    serve(socket.socket(fileno=int(sys.argv[1])), load_release(Path(sys.argv[2])), 1 if behind else AT_ONCE)


def serve(connection: socket.socket, release: Release, at_once: int) -> None:
    """Prepare what is asked for, in order, until the other side has gone; files of the next request are read meanwhile.

    at_once : files that are read at once, and studies that are judged
    """
    begun: SimpleQueue[_Begun] = SimpleQueue()
    readers, judges = ThreadPoolExecutor(at_once), ThreadPoolExecutor(at_once)
    Thread(target=_answer, args=(connection, release, begun, judges), daemon=True).start()
    with suppress(MessageError):
        while True:
            asked = receive(connection, until=time.monotonic() + FOREVER_S, most=MOST_BYTES)
            key, tasks = bytes(asked.parts[0]), tasks_in(asked)
            files = [readers.submit(_read, one.file, key) if one.file else None for one in tasks]
            begun.put(_Begun(int(asked.body["number"]), tasks, files, key, bool(asked.body["looks"])))
    os._exit(0)  # whatever is still under way: nobody waits for it


def _answer(
    connection: socket.socket, release: Release, begun: SimpleQueue[_Begun], judges: ThreadPoolExecutor
) -> None:
    while True:
        one = begun.get()
        try:
            made = answer(one.number, prepare(one, release, judges))
        except CasebindError as error:
            made = Message({"number": one.number, "error": str(error)})
        except Exception as error:
            made = Message({"number": one.number, "error": f"{FAILED} ({type(error).__name__}): see what was sent."})
        with suppress(OSError):  # the other side has gone, and this process ends
            send(connection, made)


def prepare(begun: _Begun, release: Release, judges: ThreadPoolExecutor) -> list[PreparedObject]:
    """Return what became of each task, in order."""
    seen: dict[int, Study] = {}
    read: set[int] = set()
    questions: dict[int, str] = {}
    text = FilmText(begun.looks)

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

    entries = [entry(*one) for one in zip(range(len(begun.tasks)), begun.tasks, begun.files, strict=True)]
    outcomes = [one for some in encode_batches(entries, release, begun.key, judges=judges) for one in some]
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


def _read(file: str, key: bytes) -> Study:
    return limited.read_limited([Upload("object.dcm", Path(file).read_bytes())], key=key)


if __name__ == "__main__":
    main()
