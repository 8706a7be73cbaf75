"""A file that is written anew holds every live row and no byte of deleted ones, while others read and write."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.errors import WorkspaceError
from engine.files import utc_now
from engine.store.database import FILE_NAME, Database
from engine.store.lending import Reads
from engine.store.rewrite import SUFFIX

MARK = "patient-to-be-forgotten"


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file())


def guideline(database: Database, number: int, words: str) -> None:
    with database.write() as cursor:
        cursor.execute("INSERT INTO guidelines VALUES (?, ?, 'ann', ?)", [number, words, utc_now()])


def test_nothing_of_deleted_rows_is_left_while_others_read_and_write(tmp_path: Path) -> None:
    database = Database(tmp_path / FILE_NAME)
    guideline(database, 0, "kept words")
    for number in range(1, 400):
        guideline(database, number, f"{MARK} {number}")
    database.checkpoint()
    with database.write() as cursor:
        cursor.execute("DELETE FROM guidelines WHERE version > 0")
    database.forget()
    assert MARK.encode() in bytes_of(tmp_path)
    ended, seen = threading.Event(), []

    def read() -> None:
        while not ended.is_set():
            seen.append(database.read("SELECT words FROM guidelines WHERE version = 0")[0][0])

    def write() -> None:
        for number in range(1000, 1020):
            guideline(database, number, "written meanwhile")

    others = [threading.Thread(target=one) for one in (read, read, write)]
    for one in others:
        one.start()
    database.rewrite()
    others[2].join()
    ended.set()
    for one in others:
        one.join()
    assert set(seen) == {"kept words"}
    assert database.read("SELECT count(*) FROM guidelines") == [(21,)]
    assert MARK.encode() not in bytes_of(tmp_path)
    assert not list(tmp_path.glob(f"*{SUFFIX}*"))
    database.close()
    again = Database(tmp_path / FILE_NAME)
    assert again.read("SELECT count(*) FROM guidelines") == [(21,)]
    assert (again.remark, again.lost) == ("", 0)
    guideline(again, 5000, "numbers go on")
    again.close()


def test_a_read_that_does_not_end_stops_the_exchange_and_nothing_else() -> None:
    reads, begun, ended = Reads(), threading.Event(), threading.Event()

    def read() -> None:
        with reads.one(), reads.one():  # a read inside a read never waits for itself
            begun.set()
            ended.wait()

    reader = threading.Thread(target=read)
    reader.start()
    begun.wait()
    with pytest.raises(WorkspaceError, match="is being read"), reads.halted(0.05):
        raise AssertionError("the block must not run")
    ended.set()
    reader.join()
    with reads.halted(1.0):
        assert True
    with reads.one():
        assert True
