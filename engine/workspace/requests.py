"""Acts that a command asks of the process that has the workspace open: DuckDB gives the file to one process alone.

    <workspace>/requests/<number>.request   what is asked, written whole
                        /<number>.running   taken by the process that has the workspace and holds a lock on it, also
                                            while others come first; empty, so that an erasure finds its patient in no
                                            request
                        /<number>.answer    what came of it; the command reads and deletes it

Whoever may write in the workspace's folder may ask; files and folder belong to their owner alone.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from engine.errors import CasebindError, UsageError, WorkspaceBusyError
from engine.files import write_whole
from engine.workspace.workspace import Workspace, open_workspace

FOLDER, REQUEST, RUNNING, ANSWER = "requests", ".request", ".running", ".answer"
POLL_S = 0.2
TAKEN_IN_S = 10.0  # by an app that runs
OWNER_ALONE = 0o600
ENDED = "The app ended while it carried this out, which may be half done: ask again."
Facts = dict[str, Any]  # of JSON
Act = Callable[[Workspace, Facts], Facts]  # (workspace, what is asked) → what came of it


def ask(folder: Path, name: str, facts: Facts, busy: WorkspaceBusyError, *, taken_in_s: float = TAKEN_IN_S) -> Facts:
    """Return what came of an act that the process with the workspace open has carried out.

    busy : raised where that process takes no requests; nothing is left of this one then
    Raises UsageError with the sentence of an act that failed, or where that process ended meanwhile.
    """
    home = folder / FOLDER
    home.mkdir(mode=0o700, exist_ok=True)
    asked = home / f"{secrets.token_hex(8)}{REQUEST}"
    try:
        write_whole(asked, json.dumps({"act": name, **facts}), mode=OWNER_ALONE)
        last = time.monotonic() + taken_in_s
        while not asked.with_suffix(ANSWER).exists():
            if time.monotonic() > last and asked.exists():
                raise busy
            if not asked.exists() and not _is_carried_out(asked) and not asked.with_suffix(ANSWER).exists():
                raise UsageError(ENDED)
            time.sleep(POLL_S)
        answer: Facts = json.loads(asked.with_suffix(ANSWER).read_text("utf-8"))
    finally:
        for suffix in (REQUEST, RUNNING, ANSWER):
            asked.with_suffix(suffix).unlink(missing_ok=True)
    if "error" in answer:
        raise UsageError(str(answer["error"]))
    return answer


def _is_carried_out(asked: Path) -> bool:
    """Say whether a process that lives has taken a request and goes on with it."""
    try:
        with asked.with_suffix(RUNNING).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@dataclass(frozen=True)
class _Taken:
    """A request that was taken. file: the empty one that is locked; running: its path; words: what was asked"""

    file: BinaryIO
    running: Path
    words: bytes

    def end(self, answer: Facts | None) -> None:
        """Leave the answer, if there is one, and let go; OSError where the disk is full."""
        with self.file:
            try:
                if answer is not None:
                    write_whole(self.running.with_suffix(ANSWER), json.dumps(answer), mode=OWNER_ALONE)
            finally:
                self.running.unlink(missing_ok=True)


class RequestServer:
    """Carries out what commands ask of this process, one request after the other, until it is closed.

    Requests are taken as they come: one that has to wait lets its command know that it is waited for.
    """

    def __init__(self, path: Path, acts: Mapping[str, Act]) -> None:
        """Begin in the background. acts : by the names that requests give"""
        self._folder, self._acts = path, acts
        self._ended = threading.Event()
        self._waiting: SimpleQueue[_Taken | None] = SimpleQueue()
        home = path / FOLDER
        for left in [*home.glob(f"*{RUNNING}"), *home.glob(f"*{ANSWER}")]:  # of a process that was killed
            left.unlink(missing_ok=True)
        self._threads = [
            threading.Thread(target=work, name=f"requests {what}", daemon=True)
            for what, work in (("taken", self._take_all), ("carried out", self._carry_out_all))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Take no more requests; waits for the one that is being carried out."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _take_all(self) -> None:
        while not self._ended.wait(POLL_S):
            for asked in sorted((self._folder / FOLDER).glob(f"*{REQUEST}")):
                with suppress(OSError):  # the command has given up
                    self._waiting.put(self._take(asked))
        self._waiting.put(None)

    def _take(self, asked: Path) -> _Taken:
        file = asked.open("r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            running = asked.rename(asked.with_suffix(RUNNING))
            words = file.read()
            file.truncate(0)
        except OSError:
            file.close()
            raise
        return _Taken(file, running, words)

    def _carry_out_all(self) -> None:
        while (taken := self._waiting.get()) is not None:
            with suppress(OSError):  # the disk is full: nobody waits for the answer
                taken.end(None if self._ended.is_set() else self._answer(taken.words))

    def _answer(self, request: bytes) -> Facts:
        """Return what came of a request, or {"error": one sentence}."""
        try:
            facts = json.loads(request)
            with open_workspace(self._folder) as workspace:
                return self._acts[facts.pop("act")](workspace, facts)
        except CasebindError as error:
            return {"error": str(error)}
        except Exception as error:
            return {"error": f"The act ended unexpectedly ({type(error).__name__}): see the log of the app."}
