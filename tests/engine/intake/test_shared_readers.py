"""Files of one source share a reader, each within limits of its own; one that is no study at once is read alone."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
from helpers.processes import children, command_of
from helpers.recording_files import as_bytes, chest, film, zipped
from helpers.studies import same_study

from engine.errors import IntakeError, QuestionError
from engine.intake import Upload, read
from engine.intake.forked_reader import start
from engine.intake.limited import A_MOMENT_S, SharedReaders, read_limited
from engine.intake.reader_process import SHARED

KEY = b"a workspace's secret"
FILM = [Upload("object.dcm", as_bytes(film()))]
LARGE = [
    Upload("object.dcm", as_bytes(film(np.kron(chest(), np.ones((4, 4), chest().dtype)))))
]  # takes a while to read
PULSE = [Upload("a.csv", ("t,PPG\n" + "".join(f"{i / 50},{np.sin(i / 8):.4f}\n" for i in range(500))).encode())]
BOMB = [Upload("a.zip", zipped({"a.csv": b"t,PPG\n" + b"0,1\n" * 15_000_000}))]


@pytest.fixture
def shared() -> Iterator[SharedReaders]:
    start()
    made = SharedReaders(2)
    yield made
    made.close()


def waiting() -> dict[int, float]:
    """Return the readers that are there: number of the process → its time of the processor, s."""
    found: dict[int, float] = {}
    for forker in children(psutil.Process()):
        if "engine.intake.reader_process" in command_of(forker):
            found |= {one.pid: sum(one.cpu_times()[:2]) for one in children(forker)}
    return found


def the_one_left() -> int:
    """Return the reader that stays: who read a file alone ends by itself, some moments after its answer."""
    end = time.monotonic() + 60
    while len(found := waiting()) != 1 and time.monotonic() < end:
        time.sleep(0.02)
    (reader,) = found
    return reader


def test_one_reader_reads_for_longer_than_one_file_may_take(shared: SharedReaders) -> None:
    expected = read(LARGE, key=KEY)
    assert same_study(shared.read("PACS", LARGE, KEY), expected)
    first = set(waiting())
    for count in range(2, SHARED):
        assert same_study(shared.read("PACS", LARGE, KEY), expected)
        if count > 5 and max(waiting().values()) > 1.2 * A_MOMENT_S:
            break
    (reader,) = first & set(waiting())
    assert waiting()[reader] > A_MOMENT_S


def test_a_reader_reads_only_so_many_files_and_of_one_source(shared: SharedReaders) -> None:
    shared.read("PACS", PULSE, KEY)
    (first,) = waiting()
    shared.read("a cart", PULSE, KEY)
    assert len(waiting()) == 2
    for _ in range(SHARED - 2):
        shared.read("PACS", PULSE, KEY)
        assert first in waiting()
    shared.read("PACS", PULSE, KEY)
    psutil.wait_procs([psutil.Process(first)] if psutil.pid_exists(first) else [], 60)
    shared.read("PACS", PULSE, KEY)
    assert first not in waiting() and len(waiting()) == 2


def test_what_is_refused_or_asks_was_read_alone_and_its_reader_is_gone(shared: SharedReaders) -> None:
    damaged = [Upload("object.dcm", FILM[0].data[:3000])]
    unnamed = [Upload("a.csv", b"1\n2\n3\n" * 300)]
    for wrong, kind in ((damaged, IntakeError), (unnamed, QuestionError)):
        shared.read("PACS", FILM, KEY)
        before = the_one_left()
        with pytest.raises(kind) as said:
            shared.read("PACS", wrong, KEY)
        with pytest.raises(kind) as expected:
            read(wrong, key=KEY)
        assert str(said.value) == str(expected.value)
        psutil.wait_procs([psutil.Process(before)] if psutil.pid_exists(before) else [], 60)
        assert before not in waiting()


def test_a_bomb_takes_no_more_than_a_moment_of_a_shared_reader(
    shared: SharedReaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEBIND_READ_SECONDS", "1")
    shared.read("PACS", FILM, KEY)
    (before,) = waiting()
    with pytest.raises(IntakeError, match=r"not read within 1 s and .* its reader was stopped"):
        shared.read("PACS", BOMB, KEY)
    assert before not in waiting()
    assert same_study(shared.read("PACS", FILM, KEY), read(FILM, key=KEY))


def test_a_reader_that_was_killed_costs_no_file(shared: SharedReaders) -> None:
    shared.read("PACS", FILM, KEY)
    (before,) = waiting()
    psutil.Process(before).kill()
    assert same_study(shared.read("PACS", FILM, KEY), read_limited(FILM, key=KEY))
    assert before not in waiting()


def test_no_reader_is_left_once_they_are_closed(shared: SharedReaders) -> None:
    shared.read("PACS", FILM, KEY)
    processes = [psutil.Process(pid) for pid in waiting()]
    assert processes
    shared.close()
    assert psutil.wait_procs(processes, 60)[1] == []
