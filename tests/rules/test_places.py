"""Every table, column and file that can hold something of a patient or a query is among the places of an erasure."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from helpers.studies import fill

from engine.actor import single_user
from engine.settings import ROOT
from engine.store.database import FILE_NAME, Database
from engine.store.people import People
from engine.store.places import EMPTIED, NOTHING_OF_PATIENTS, PLACES
from engine.workspace.erasure import AT_TOP, erase
from engine.workspace.workspace import open_workspace

# A reader study is no study: several readers, whose cases are studies.
POINTS = re.compile(
    r"(^|_)(?<!reader_)(study|patient|query|encounter|case)(_|$)|ordinal|fingerprint|returned|vector|embedding"
)
WRITTEN = re.compile(
    r"comment|note|words|description|discussion|reason|title|address"
)  # by people: ids may stand there


def columns(tmp_path: Path) -> dict[str, list[str]]:
    """Return table → columns of a new workspace's database."""
    database = Database(tmp_path / FILE_NAME)
    found: dict[str, list[str]] = {}
    for table, column in database.read(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        " AND table_name IN (SELECT table_name FROM duckdb_tables())"
    ):
        found.setdefault(table, []).append(column)
    database.close()
    return found


def test_every_table_is_a_place_or_is_said_to_hold_nothing_of_patients(tmp_path: Path) -> None:
    tables, places = columns(tmp_path), {one.table: one for one in PLACES}
    known = [*places, *NOTHING_OF_PATIENTS, *EMPTIED]
    assert sorted(tables) == sorted(known)
    assert len(known) == len(set(known))
    for table in NOTHING_OF_PATIENTS:
        assert [column for column in tables[table] if POINTS.search(column)] == [], table


def test_every_column_that_points_at_a_patient_or_holds_words_is_looked_at(tmp_path: Path) -> None:
    places = {one.table: one for one in PLACES}
    for table, names in columns(tmp_path).items():
        if table not in places:
            continue
        place = places[table]
        assert place.rows or not [name for name in names if POINTS.search(name)], table
        if re.search(r"studies|queries", table):
            continue  # whole rows go, and what people wrote about others does not stand there
        for name in names:
            if WRITTEN.fullmatch(name):
                assert name in place.words or f"contains({name}" in place.rows, f"{table}.{name}"


def test_the_accounts_hold_nothing_of_a_patient(tmp_path: Path) -> None:
    People(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "people.db")) as people:
        tables = [name for (name,) in people.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            names = [row[1] for row in people.execute(f"PRAGMA table_info({table})")]
            assert [name for name in names if POINTS.search(name)] == [], table


def test_everything_that_lies_in_a_workspace_is_known_to_an_erasure(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        fill(place)
        place.set_consent(place.all_rows()[0].patient_id, False, actor=single_user())
        erase(place.storage, [place.all_rows()[0].patient_id], actor=single_user())
        People(place.path).close()
        assert {one.name for one in place.path.iterdir()} <= set(AT_TOP)
    named = re.compile(r"""(?:workspace|place|storage|self)\.path / (?:f?"([\w.-]+)"|([A-Z_]+)\b)""")
    for file in sorted((ROOT / "engine").rglob("*.py")):
        for plain, constant in named.findall(words := file.read_text("utf-8")):
            found = re.search(rf'^{constant}(?:: \w+)? = "([\w.-]+)"', words, re.M) if constant else None
            name = plain or (found[1] if found else "")
            assert not name or name in AT_TOP, f"{file.name}: {name}"
