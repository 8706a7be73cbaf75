"""A pulse wave that grows is judged and coded window by window; a process that is killed goes on with the next one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from casebind_edge.device import install, open_device
from casebind_edge.outbox import Outbox
from casebind_edge.search import search

from engine.intake.upload import Answers
from engine.settings import DEMO

PPG = DEMO / "ppg" / "syn-0001-e1-ppg.csv"
ROWS = 1250  # of ten seconds


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    install(built / "bundle", built / "key", tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def lines() -> tuple[str, list[str]]:
    """The header of a pulse wave, and the rows of its first ten seconds."""
    header, *rows = PPG.read_text(encoding="utf-8").splitlines(keepends=True)
    return header, rows[:ROWS]


@pytest.fixture
def watching(wheel_folder: Path, home: Path) -> Iterator[object]:
    started: list[subprocess.Popen[str]] = []

    def begin(source: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "casebind_edge.cli", "watch", source, "--fs", "125", "--json"]
        environment = {**os.environ, "PYTHONPATH": str(wheel_folder), "CASEBIND_EDGE_HOME": str(home)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        at_rest = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a run in the background ignores Ctrl-C
        started.append(
            subprocess.Popen(words, text=True, env=environment, preexec_fn=at_rest, **pipes)  # type: ignore[call-overload]
        )
        return started[-1]

    yield begin
    for one in started:
        one.kill()
        one.communicate()


def said(process: subprocess.Popen[str]) -> dict:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    found: dict = json.loads(line)
    return found


def test_windows_of_a_growing_file_are_searched_refused_and_gone_on_with(
    watching, lines: tuple[str, list[str]], home: Path, tmp_path: Path
) -> None:
    header, rows = lines
    growing = tmp_path / "growing.csv"
    growing.write_text(header + "".join(rows[:700]), encoding="utf-8")
    first = watching(str(growing))
    with growing.open("a", encoding="utf-8") as out:
        out.write("".join(rows[700:-1]) + rows[-1].rstrip("\n"))  # the last row is not whole yet
        out.flush()
        out.write("\n" + "512\n" * ROWS)
        out.flush()
        one, flat = said(first), said(first)
        assert (one["start_s"], one["end_s"], flat["start_s"]) == (0, 10, 10)
        wanted = search(open_device(home), [_of(tmp_path, header, rows)], Answers(fs=125), 1).said
        assert one["query"]["code"] == wanted["query"]["code"] and one["neighbours"] == wanted["neighbours"]
        assert not flat["query"]["quality"]["accepted"] and flat["query"]["quality"]["reasons"]
        first.send_signal(signal.SIGKILL)
        first.wait()
        kept = Outbox(home).events()
        assert [(e["kind"], e["key"]) for e in kept] == [
            ("query", one["query"]["query_id"]),
            ("refusal", flat["query"]["query_id"]),
        ]
        second = watching(str(growing))
        out.write("".join(rows))
    again = said(second)
    assert (again["start_s"], again["query"]["code"]) == (20, one["query"]["code"])
    second.send_signal(signal.SIGINT)
    assert second.wait(60) == 130
    assert [e["key"] for e in Outbox(home).events()] == [*(e["key"] for e in kept), again["query"]["query_id"]]


def test_rows_that_are_piped_in_are_searched_and_what_cannot_be_read_is_said(
    watching, lines: tuple[str, list[str]], home: Path
) -> None:
    header, rows = lines
    words = ["3,x\n"] * ROWS
    printed, _ = watching("-").communicate(header + "".join(rows) + "".join(words) + "".join(rows[:5]), timeout=60)
    one, other = (json.loads(line) for line in printed.splitlines())
    assert one["query"]["quality"]["accepted"]
    assert other["problem"] and other["start_s"] == 10
    assert [event["key"] for event in Outbox(home).events()] == [one["query"]["query_id"]]


def _of(folder: Path, header: str, rows: list[str]) -> Path:
    (folder / "whole.csv").write_text(header + "".join(rows), encoding="utf-8")
    return folder / "whole.csv"
