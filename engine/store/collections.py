"""Collections of cases: their rows and those of their cases. A row is never deleted; a moment says that it is out.

Functions on a cursor run inside the caller's transaction. The rules stand in engine.teaching.collections.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import duckdb

from engine.actor import Actor
from engine.files import utc_now
from engine.store import permission, studies
from engine.store.database import Database
from engine.store.quizzes import Visibility
from engine.store.records import StudyRow

Wording = Literal["title", "description"]

SHOWN = "FROM collection_cases c JOIN permitted_studies s USING (study_id) WHERE c.removed_at IS NULL"
LISTED = f"""
    SELECT k.collection_id, k.title, k.description, k.who, k.created_at,
        (SELECT count(*) {SHOWN} AND c.collection_id = k.collection_id),
        (SELECT count(*) FROM collection_cases c WHERE c.removed_at IS NULL AND c.collection_id = k.collection_id),
        k.visibility
    FROM collections k WHERE k.deleted_at IS NULL"""
CASE = "collection_id = ? AND study_id = ?"


@dataclass(frozen=True)
class TeachingCollection:
    """An ordered choice of cases.

    cases  : how many are shown
    hidden : how many are not, because their patient withdrew consent, the study was deleted, or a quiz with it is open
    """

    collection_id: str
    title: str
    description: str
    who: str
    created_at: datetime
    cases: int
    hidden: int
    visibility: Visibility


@dataclass(frozen=True)
class CollectionCase:
    """One case of a collection with the note about it; `query_id` is the query beside which it was collected."""

    study_id: str
    note: str
    query_id: str | None
    row: StudyRow


def read_collections(database: Database, actor: Actor) -> list[TeachingCollection]:
    """Return all collections that are not deleted, the newest first."""
    return [_collection(row) for row in permission.read(database, actor, f"{LISTED} ORDER BY k.created_at DESC, 1")]


def find(database: Database, actor: Actor, collection_id: str) -> TeachingCollection | None:
    """Return one collection; None where there is none or it was deleted."""
    rows = permission.read(database, actor, f"{LISTED} AND k.collection_id = ?", [collection_id])
    return _collection(rows[0]) if rows else None


def read_cases(database: Database, actor: Actor, collection_id: str) -> list[CollectionCase]:
    """Return the cases that the actor may see, in order."""
    sql = f"SELECT c.study_id, c.note, c.query_id {SHOWN} AND c.collection_id = ? ORDER BY c.place"
    cases = permission.read(database, actor, sql, [collection_id])
    rows = {row.study_id: row for row in studies.rows(database, actor, [study_id for study_id, _, _ in cases])}
    return [CollectionCase(one, note, query_id, rows[one]) for one, note, query_id in cases if one in rows]


def read_positions(database: Database, actor: Actor, collection_id: str) -> list[tuple[str, int]]:
    """Return (study id, position) of the cases that the actor may see, in order."""
    sql = f"SELECT c.study_id, c.place {SHOWN} AND c.collection_id = ? ORDER BY c.place"
    return permission.read(database, actor, sql, [collection_id])


def insert(cursor: duckdb.DuckDBPyConnection, collection_id: str, *, title: str, description: str, who: str) -> None:
    """Append an empty collection."""
    row = [collection_id, title, description, who, utc_now(), "link"]
    columns = "collection_id, title, description, who, created_at, visibility"
    cursor.execute(f"INSERT INTO collections ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)


def copy_cases(cursor: duckdb.DuckDBPyConnection, source_id: str, target_id: str) -> None:
    """Append the cases of one collection to another that is empty, those that are hidden as well."""
    cursor.execute(
        "INSERT INTO collection_cases SELECT ?, study_id, place, note, query_id, ?, NULL FROM collection_cases"
        " WHERE collection_id = ? AND removed_at IS NULL",
        [target_id, utc_now(), source_id],
    )


def visibility(cursor: duckdb.DuckDBPyConnection, collection_id: str) -> Visibility | None:
    """Return who sees a collection; None where there is none, or it was deleted."""
    sql = "SELECT visibility FROM collections WHERE collection_id = ? AND deleted_at IS NULL"
    row = cursor.execute(sql, [collection_id]).fetchone()
    return None if row is None else row[0]


def wording(cursor: duckdb.DuckDBPyConnection, collection_id: str, column: Wording) -> str:
    """Return the title or the description of a collection that exists."""
    row = cursor.execute(f"SELECT {column} FROM collections WHERE collection_id = ?", [collection_id]).fetchone()
    return str(row[0])  # type: ignore[index]


def set_wording(cursor: duckdb.DuckDBPyConnection, collection_id: str, column: Wording, text: str) -> None:
    """Replace the title or the description."""
    cursor.execute(f"UPDATE collections SET {column} = ? WHERE collection_id = ?", [text, collection_id])


def set_visibility(cursor: duckdb.DuckDBPyConnection, collection_id: str, visibility: Visibility) -> None:
    """Replace who sees a collection."""
    cursor.execute("UPDATE collections SET visibility = ? WHERE collection_id = ?", [visibility, collection_id])


def set_deleted(cursor: duckdb.DuckDBPyConnection, collection_id: str, when: datetime | None) -> None:
    """Take a collection off the list, or put it back where `when` is None."""
    cursor.execute("UPDATE collections SET deleted_at = ? WHERE collection_id = ?", [when, collection_id])


def insert_case(
    cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str, *, note: str, query_id: str | None
) -> None:
    """Append a case at the end."""
    sql = "INSERT INTO collection_cases VALUES (?, ?, nextval('place_number'), ?, ?, ?, NULL)"
    cursor.execute(sql, [collection_id, study_id, note, query_id, utc_now()])


def is_removed(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str) -> bool | None:
    """Return whether a case was removed; None where it never was in the collection."""
    sql = f"SELECT removed_at IS NOT NULL FROM collection_cases WHERE {CASE}"
    row = cursor.execute(sql, [collection_id, study_id]).fetchone()
    return None if row is None else bool(row[0])


def case_note(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str) -> str | None:
    """Return the note about a case; None where the case is not in the collection or was removed."""
    sql = f"SELECT note FROM collection_cases WHERE {CASE} AND removed_at IS NULL"
    row = cursor.execute(sql, [collection_id, study_id]).fetchone()
    return None if row is None else str(row[0])


def set_case_note(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str, text: str) -> None:
    """Replace the note about a case."""
    _set_case(cursor, "note = ?", text, collection_id, study_id)


def set_removed(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str, when: datetime | None) -> None:
    """Take a case out, or put it back in its position where `when` is None."""
    _set_case(cursor, "removed_at = ?", when, collection_id, study_id)


def set_position(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str, position: int) -> None:
    """Replace the position of a case."""
    _set_case(cursor, "place = ?", position, collection_id, study_id)


def restore_at_end(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str) -> None:
    """Put a removed case back as the last one, with its note."""
    _set_case(cursor, "removed_at = ?, place = nextval('place_number')", None, collection_id, study_id)


def _set_case(cursor: duckdb.DuckDBPyConnection, change: str, value: Any, collection_id: str, study_id: str) -> None:
    cursor.execute(f"UPDATE collection_cases SET {change} WHERE {CASE}", [value, collection_id, study_id])


def _collection(row: tuple[Any, ...]) -> TeachingCollection:
    collection_id, title, description, who, created_at, shown, total, visibility = row
    return TeachingCollection(collection_id, title, description, who, created_at, shown, total - shown, visibility)
