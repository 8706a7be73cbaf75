"""Work in the background: how far it is, the base of work in a thread, and the start of a process of its own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from engine.errors import CasebindError
from engine.settings import ROOT

DONE, STOPPED, FAILED = "done", "stopped", "failed"  # steps in which work in a thread ends
NICENESS = 10  # of work that goes behind other work: a tenth of its share
_THREADS_OF = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_log = logging.getLogger(__name__)


def go_behind() -> None:
    """Let all other work of the machine go before that of this process, which leads a session of its own.

    Linux shares processors among sessions before it shares them within one (sched(7), autogroup), so that the niceness
    of a process alone does not count beside other sessions. Where there are no such groups, it does.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="ascii")


def start_apart(module: str, folder: Path, log: Path, *, lock: int, threads: int = 1) -> subprocess.Popen[bytes]:
    """Start `python -m module folder` in a session of its own, so that it goes on without this process.

    log  : what it says is appended there         threads : of its numerical libraries
    lock : an open file that it holds as long as it lives
    """
    few = dict.fromkeys(_THREADS_OF, str(threads))
    few["OMP_WAIT_POLICY"] = "passive"  # threads that spin while others work made a round 40 times as long
    with log.open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            cwd=ROOT,
            env={**os.environ, **few},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            pass_fds=(lock,),
        )


class BackgroundJob(Protocol):
    """Work that goes on while others do something else. Read from any thread."""

    @property
    def share(self) -> float:
        """How much of the whole is done, 0..1."""

    @property
    def step(self) -> str:
        """What is being done, or how the work ended."""

    @property
    def over(self) -> bool:
        """Whether the work has ended, one way or another."""

    @property
    def error(self) -> str:
        """One sentence where the work failed, else empty."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most `timeout` seconds; return whether it came."""


class ThreadJob:
    """A background job in a thread of this process.

    failure, advice : the sentence of an unexpected error begins with one and ends with the other
    """

    failure = "The work could not be done"
    advice = "try again"

    def __init__(self, step: str = "") -> None:
        self.step, self.share, self.error = step, 0.0, ""
        self._ended, self._stopping = threading.Event(), threading.Event()

    @property
    def over(self) -> bool:
        """Whether the work has ended, one way or another."""
        return self._ended.is_set()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stopping.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most `timeout` seconds; return whether it came."""
        return self._ended.wait(timeout)

    def stop(self) -> None:
        """Ask for the end; the work looks at `stopping`, and what it raises from then on is no failure."""
        self._stopping.set()

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Do the work in a thread of this name; return at once. The thread ends with the process."""
        threading.Thread(target=self._run, args=(work,), name=name, daemon=True).start()

    def explain(self, problem: Exception) -> str:
        """Return why the work failed, in one sentence."""
        return sentence(problem, self.failure, self.advice)

    def _run(self, work: Callable[[], None]) -> None:
        """Do the work; never raise."""
        try:
            work()
            self.step, self.share = DONE, 1.0
        except Exception as problem:
            if self.stopping:
                self.step = STOPPED
            else:
                self.step, self.error = FAILED, self.explain(problem)
        finally:
            self._ended.set()


def sentence(problem: Exception, failure: str, advice: str) -> str:
    """Return what went wrong in one sentence: Casebind's own errors as they are, others by kind; the log has kinds."""
    if isinstance(problem, CasebindError):
        _log.warning("%s: %s.", failure, type(problem).__name__)
        return str(problem)
    _log.error("%s.", failure, exc_info=problem)
    return f"{failure} ({type(problem).__name__}): {advice}."
