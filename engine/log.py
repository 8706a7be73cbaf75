"""What goes into the log of a server: no words of a user, no value of a variable, no name of a file that was given.

Messages of our own and of the server are constant but for kinds of errors. Those of other libraries may quote what
they read (a name in a DICOM header, a cell of a table), so it is said where one was, not what. A traceback has files,
lines and kinds of errors, and not their messages.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

DEBUG_VARIABLE = "CASEBIND_DEBUG"  # lifts all of this
OWN = frozenset(("casebind", "engine", "pages", "streamlit", "uvicorn"))  # whose messages are known
LEFT_OUT = "A message of %s is left out: it may quote what was read."
_log = logging.getLogger("casebind")


def keep_words_out() -> None:
    """Have every message and traceback of this process written without words of users."""
    logging.setLogRecordFactory(_record)
    logging.captureWarnings(True)
    sys.excepthook = _say
    threading.excepthook = lambda found: _say(found.exc_type, found.exc_value, found.exc_traceback)


@contextmanager
def own_troubles_said() -> Iterator[None]:
    """Have a command that stays, as a listener does, write what troubles it to standard error; libraries are silent.

    The command line silences everything else, since its standard error holds one sentence or nothing.
    """
    before = logging.getLogRecordFactory(), sys.excepthook, threading.excepthook, logging.root.manager.disable
    keep_words_out()
    logging.disable(logging.NOTSET)
    silent, said = logging.NullHandler(), logging.StreamHandler()
    own = [logging.getLogger(name) for name in ("casebind", "engine")]
    levels = [one.level for one in own]
    logging.getLogger().addHandler(silent)
    for one in own:
        one.addHandler(said)
        one.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for one, level in zip(own, levels, strict=True):
            one.removeHandler(said)
            one.setLevel(level)
        logging.getLogger().removeHandler(silent)
        factory, sys.excepthook, threading.excepthook, disabled = before
        logging.setLogRecordFactory(factory)
        logging.captureWarnings(False)
        logging.disable(disabled)


def trace(error: BaseException) -> str:
    """Return the traceback of an error and of what led to it: files, lines, code and kinds, and no message."""
    parts, seen = [], set[int]()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        frames = "".join(traceback.format_tb(at.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{type(at).__qualname__}")
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\n\nafter which:\n\n".join(reversed(parts))


def _record(name: str, level: int, *rest: Any, **more: Any) -> logging.LogRecord:
    """Return a record as logging makes it, without what may be a user's.

    rest : path, line, message, values, what went wrong, function, stack
    """
    path, line, message, values, problem, *place = rest
    if str(name or "").split(".")[0] not in OWN:
        message, values = LEFT_OUT, (name,)
    record = logging.LogRecord(name, level, path, line, message, values, None, *place, **more)
    error = problem[1] if isinstance(problem, tuple) else problem
    if isinstance(error, BaseException):
        record.exc_text = trace(error)
    return record


def _say(kind: type[BaseException], error: BaseException | None, at: TracebackType | None) -> None:
    if issubclass(kind, (KeyboardInterrupt, SystemExit)):
        return
    _log.error("Something ended unexpectedly.", exc_info=(kind, error or kind(), at))
