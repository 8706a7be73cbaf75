"""`casebind-edge watch`: a recording that grows is judged and coded window by window.

A window is read by the same code as a file, from the lines that came. What is said of it is on disk before, in one
transaction with how far the source was read, so that a process that is killed goes on with the next window.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from casebind_edge.device import Device
from casebind_edge.outbox import Outbox
from casebind_edge.search import Found, search_study
from engine.errors import CasebindError, UsageError
from engine.intake.read import read
from engine.intake.upload import Answers, Upload
from engine.settings import SEARCH_WINDOW_S

POLL_S = 0.2
_NUMBER = re.compile(r"[-+]?\.?\d")


@dataclass(frozen=True)
class Window:
    """What was found of a stretch: its first and last second, and the search or why it could not be read."""

    start_s: float
    end_s: float
    found: Found | None
    problem: str = ""


def lines_of(stream: TextIO, idle_s: float | None, wait: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """Yield whole lines as they come; end after `idle_s` without a new one, or never where that is None."""
    held, quiet = "", 0.0
    while idle_s is None or quiet <= idle_s:
        held += (more := stream.readline())
        if held.endswith("\n"):
            yield held
            held, quiet = "", 0.0
        elif not more:
            wait(POLL_S)
            quiet += POLL_S


def watch(
    device: Device, lines: Iterable[str], answers: Answers, k: int, *, source: str, who: str, keeping: bool = True
) -> Iterator[Window]:
    """Yield every whole window of 10 s, kept for the hospital before it is yielded; a later call goes on behind it.

    lines  : rows of a table, the header first where it has one; `answers.fs` rows are a second
    source : by which its place is remembered; empty for what cannot be read twice
    """
    if answers.fs is None:
        raise UsageError("How many rows are a second is not known: give --fs.")
    size, outbox, header = round(SEARCH_WINDOW_S * answers.fs), Outbox(device.home), ""
    begin, rows = outbox.rows_read(source) if keeping and source else 0, list[str]()
    for number, line in enumerate(lines):
        if number == 0 and not _NUMBER.match(line.strip()):
            header = line
            continue
        if number - bool(header) < begin:
            continue
        rows.append(line)
        if len(rows) == size:
            window = _searched(device, [header, *rows], begin, answers, k)
            if keeping:
                outbox.keep_window(window.found, who, source, begin + size)
            yield window
            begin, rows = begin + size, []


def _searched(device: Device, table: list[str], begin: int, answers: Answers, k: int) -> Window:
    fs = float(answers.fs or 1)
    upload = Upload("window.csv", "".join(table).encode())
    start, end = begin / fs, begin / fs + SEARCH_WINDOW_S
    try:
        return Window(start, end, search_study(device, read([upload], answers), k))
    except CasebindError as error:
        return Window(start, end, None, " ".join(str(error).split()))
