"""What was read before is answered without the file, and never after something that it was read from has changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine.store.database import Database
from engine.store.permission import WITHDRAWN, consent_number

DIGESTS = "SELECT digest FROM releases WHERE name IN (SELECT unnest(?)) ORDER BY name"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "casebind.duckdb")
    yield opened
    opened.close()


def write(database: Database, sql: str, *values: object) -> None:
    with database.write() as cursor:
        cursor.execute(sql, list(values))


def insert_release(database: Database, name: str, digest: str) -> None:
    write(database, "INSERT INTO releases VALUES (?, ?, '2026-01-01'::TIMESTAMP)", name, digest)


def behind(database: Database, sql: str) -> None:
    """Change the file past the one way to write, so that only what is read anew can show it."""
    database._connection.cursor().execute(sql)


def consent(database: Database, patient: str, granted: bool) -> None:
    write(
        database,
        "INSERT INTO consent VALUES (nextval('event_number'), ?, 'retrieval', ?, 'Ada', '2026-01-01'::TIMESTAMP)",
        patient,
        granted,
    )


def test_a_result_stands_until_its_own_table_is_written(database: Database) -> None:
    insert_release(database, "r1", "a")
    assert database.read(DIGESTS, [["r1", "r2"]]) == [("a",)]
    behind(database, "UPDATE releases SET digest = 'b'")
    consent(database, "p1", True)  # another table
    assert database.read(DIGESTS, [["r1", "r2"]]) == [("a",)]
    assert database.read(DIGESTS, [["r1"]]) == [("b",)]  # other values are another question
    insert_release(database, "r2", "c")
    assert database.read(DIGESTS, [["r1", "r2"]]) == [("b",), ("c",)]


def test_a_write_that_reads_another_table_leaves_what_was_read_of_that_one(database: Database) -> None:
    insert_release(database, "r1", "a")
    assert database.read(DIGESTS, [["r1"]]) == [("a",)]
    behind(database, "UPDATE releases SET digest = 'b'")
    write(database, "DELETE FROM consent WHERE patient_id IN (SELECT name FROM releases)")
    assert database.read(DIGESTS, [["r1"]]) == [("a",)]
    write(database, "WITH old AS (SELECT 'r1' AS name) UPDATE releases SET digest = 'c' WHERE name IN (FROM old)")
    assert database.read(DIGESTS, [["r1"]]) == [("c",)]


def test_a_view_follows_its_table(database: Database) -> None:
    assert (database.read(WITHDRAWN), consent_number(database)) == ([], 0)
    consent(database, "p1", False)
    assert database.read(WITHDRAWN) == [("p1",)] and consent_number(database) > 0
    consent(database, "p1", True)
    assert database.read(WITHDRAWN) == []


def test_a_transaction_that_is_rolled_back_changes_no_answer(database: Database) -> None:
    insert_release(database, "r1", "a")
    with suppress(ZeroDivisionError), database.write() as cursor:
        cursor.execute("DELETE FROM releases")
        assert database.read(DIGESTS, [["r1"]]) == [("a",)]  # others still see what is committed
        raise ZeroDivisionError
    assert database.read(DIGESTS, [["r1"]]) == [("a",)]


def test_what_a_caller_does_with_its_rows_is_its_own_affair(database: Database) -> None:
    insert_release(database, "r1", "a")
    database.read(DIGESTS, [["r1"]]).clear()
    database.read(DIGESTS, [["r1"]]).append(("x",))
    assert database.read(DIGESTS, [["r1"]]) == [("a",)]


def test_no_reader_sees_less_than_what_was_acknowledged(database: Database) -> None:
    """One thread counts up, committing each step; three read all the while, each never less than was on disk before."""
    insert_release(database, "r1", "0")
    acknowledged, behind_time, stop = [0], [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            least = acknowledged[0]
            ((seen,),) = database.read(DIGESTS, [["r1"]])
            if int(seen) < least:
                behind_time.append((seen, least))

    readers = [threading.Thread(target=look) for _ in range(3)]
    for one in readers:
        one.start()
    for step in range(1, 41):
        write(database, "UPDATE releases SET digest = ?", str(step))
        acknowledged[0] = step
    stop.set()
    for one in readers:
        one.join()
    assert behind_time == []
