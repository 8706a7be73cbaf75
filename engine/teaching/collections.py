"""Collections: ordered, titled cases with notes. Every change is one row, on disk when its function returns.

Two people who edit one collection never overwrite each other: what they change is a case's row, not the list, and a
text is replaced only where it is still the one that was edited (`was`). Nothing is deleted for good.
"""

from __future__ import annotations

import secrets
from typing import Any

import duckdb

from engine.errors import UsageError, brief
from engine.files import utc_now
from engine.store.filters import CONSENT_SQL
from engine.teaching import input_checks
from engine.teaching.records import CollectionCase, TeachingCollection
from engine.workspace.workspace import Workspace

VISIBLE = f"c.removed_at IS NULL AND {CONSENT_SQL}"  # of collection_cases c JOIN studies s
SHOWN = f"FROM collection_cases c JOIN studies s USING (study_id) WHERE {VISIBLE}"
LISTED = f"""
    SELECT k.collection_id, k.title, k.description, k.who, k.created_at,
        (SELECT count(*) {SHOWN} AND c.collection_id = k.collection_id),
        (SELECT count(*) FROM collection_cases c WHERE c.removed_at IS NULL AND c.collection_id = k.collection_id)
    FROM collections k WHERE k.deleted_at IS NULL"""


def create(workspace: Workspace, title: str, description: str = "", who: str = "local") -> TeachingCollection:
    """Store an empty collection."""
    collection_id = f"c-{secrets.token_hex(6)}"
    row = [collection_id, input_checks.title(title), input_checks.note(description), who, utc_now()]
    with workspace.database.write() as cursor:
        cursor.execute("INSERT INTO collections VALUES (?, ?, ?, ?, ?, NULL)", row)
    return load(workspace, collection_id)


def listed(workspace: Workspace) -> list[TeachingCollection]:
    """Return all collections that are not deleted, the newest first."""
    return [_collection(row) for row in workspace.database.read(f"{LISTED} ORDER BY k.created_at DESC, 1")]


def load(workspace: Workspace, collection_id: str) -> TeachingCollection:
    """Return one collection; UsageError where there is none or it was deleted."""
    found = workspace.database.read(f"{LISTED} AND k.collection_id = ?", [collection_id])
    if not found:
        raise UsageError("There is no such collection in this workspace: it was deleted, or its link is incomplete.")
    return _collection(found[0])


def items(workspace: Workspace, collection_id: str) -> list[CollectionCase]:
    """Return the cases that may be shown, in order."""
    sql = f"SELECT c.study_id, c.note, c.query_id {SHOWN} AND c.collection_id = ? ORDER BY c.place"
    found = workspace.database.read(sql, [collection_id])
    rows = {row.study_id: row for row in workspace.all_rows([study_id for study_id, _, _ in found])} if found else {}
    return [CollectionCase(one, note, query_id, rows[one]) for one, note, query_id in found if one in rows]


def rename(workspace: Workspace, collection_id: str, title: str, expected_text: str | None = None) -> None:
    """Change the title; UsageError where it is no longer `was`."""
    _reword(workspace, collection_id, "title", input_checks.title(title), expected_text)


def describe(workspace: Workspace, collection_id: str, description: str, expected_text: str | None = None) -> None:
    """Change the description; UsageError where it is no longer `was`."""
    _reword(workspace, collection_id, "description", input_checks.note(description), expected_text)


def note(workspace: Workspace, collection_id: str, study_id: str, text: str, expected_text: str | None = None) -> None:
    """Change the note about a case; UsageError where it is no longer `was`."""
    text = input_checks.note(text)
    with workspace.database.write() as cursor:
        _unchanged(_note_of(cursor, collection_id, study_id), expected_text, text)
        _update(cursor, collection_id, study_id, "note = ?", text)


def add(
    workspace: Workspace, collection_id: str, study_id: str, *, query_id: str | None = None, note: str = ""
) -> bool:
    """Put a case at the end; False where it is there already. One that was removed comes back with its note."""
    note = input_checks.note(note)
    with workspace.database.write() as cursor:
        _known(cursor, collection_id)
        _permitted(cursor, study_id)
        one = [collection_id, study_id]
        sql = "SELECT removed_at IS NULL FROM collection_cases WHERE collection_id = ? AND study_id = ?"
        found = cursor.execute(sql, one).fetchone()
        if found is None:
            sql = "INSERT INTO collection_cases VALUES (?, ?, nextval('place_number'), ?, ?, ?, NULL)"
            cursor.execute(sql, [*one, note, query_id, utc_now()])
        elif not found[0]:
            _update(cursor, collection_id, study_id, "removed_at = ?, place = nextval('place_number')", None)
        return found is None or not found[0]


def remove(workspace: Workspace, collection_id: str, study_id: str) -> None:
    """Take a case out; `restore` brings it back to its place."""
    with workspace.database.write() as cursor:
        _note_of(cursor, collection_id, study_id)  # refuses what is not there
        _update(cursor, collection_id, study_id, "removed_at = ?", utc_now())


def restore(workspace: Workspace, collection_id: str, study_id: str) -> None:
    """Undo `remove`: the case is back in its place with its note."""
    with workspace.database.write() as cursor:
        _update(cursor, collection_id, study_id, "removed_at = ?", None)


def move(workspace: Workspace, collection_id: str, study_id: str, by: int) -> None:
    """Exchange a case with the shown one before it (by = -1) or after it (by = 1); nothing at either end."""
    with workspace.database.write() as cursor:
        sql = f"SELECT c.study_id, c.place {SHOWN} AND c.collection_id = ? ORDER BY c.place"
        order = cursor.execute(sql, [collection_id]).fetchall()
        at = next((i for i, (one, _) in enumerate(order) if one == study_id), None)
        if at is None or not 0 <= at + by < len(order):
            return
        (_, here), (other, there) = order[at], order[at + by]
        _update(cursor, collection_id, study_id, "place = ?", there)
        _update(cursor, collection_id, other, "place = ?", here)


def duplicate(workspace: Workspace, collection_id: str, title: str, who: str = "local") -> TeachingCollection:
    """Store a copy with all its cases, the hidden ones too, and notes, under another title."""
    original = load(workspace, collection_id)
    new_id = f"c-{secrets.token_hex(6)}"
    with workspace.database.write() as cursor:
        row = [new_id, input_checks.title(title), original.description, who, utc_now()]
        cursor.execute("INSERT INTO collections VALUES (?, ?, ?, ?, ?, NULL)", row)
        cursor.execute(
            "INSERT INTO collection_cases SELECT ?, study_id, place, note, query_id, ?, NULL FROM collection_cases"
            " WHERE collection_id = ? AND removed_at IS NULL",
            [new_id, utc_now(), collection_id],
        )
    return load(workspace, new_id)


def delete(workspace: Workspace, collection_id: str) -> None:
    """Take a collection off the list; `undelete` brings it back as it was."""
    _set_deleted(workspace, collection_id, utc_now())


def undelete(workspace: Workspace, collection_id: str) -> None:
    """Undo `delete`."""
    _set_deleted(workspace, collection_id, None)


def _set_deleted(workspace: Workspace, collection_id: str, when: Any) -> None:
    with workspace.database.write() as cursor:
        cursor.execute("UPDATE collections SET deleted_at = ? WHERE collection_id = ?", [when, collection_id])


def _collection(row: tuple[Any, ...]) -> TeachingCollection:
    collection_id, title, description, who, created_at, shown, total = row
    return TeachingCollection(collection_id, title, description, who, created_at, shown, total - shown)


def _reword(workspace: Workspace, collection_id: str, column: str, text: str, was: str | None) -> None:
    with workspace.database.write() as cursor:
        _known(cursor, collection_id)
        sql = f"SELECT {column} FROM collections WHERE collection_id = ?"
        _unchanged(cursor.execute(sql, [collection_id]).fetchall()[0][0], was, text)
        cursor.execute(f"UPDATE collections SET {column} = ? WHERE collection_id = ?", [text, collection_id])


def _unchanged(present: str, was: str | None, text: str) -> None:
    """Refuse to overwrite words that someone else wrote meanwhile."""
    if was is not None and present not in (was, text):
        raise UsageError(
            "Someone else changed this text meanwhile, so yours was not saved over theirs: copy yours, "
            "reload the page and put the two together."
        )


def _known(cursor: duckdb.DuckDBPyConnection, collection_id: str) -> None:
    sql = "SELECT 1 FROM collections WHERE collection_id = ? AND deleted_at IS NULL"
    if not cursor.execute(sql, [collection_id]).fetchone():
        raise UsageError("The collection was deleted meanwhile: undo that, or choose another one.")


def _permitted(cursor: duckdb.DuckDBPyConnection, study_id: str) -> None:
    sql = f"SELECT 1 FROM studies s WHERE s.study_id = ? AND {CONSENT_SQL}"
    if not cursor.execute(sql, [study_id]).fetchone():
        raise UsageError(
            f"There is no study {brief(study_id)} that may be shown: take an id from a search result of this workspace."
        )


def _note_of(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str) -> str:
    sql = "SELECT note FROM collection_cases WHERE collection_id = ? AND study_id = ? AND removed_at IS NULL"
    found = cursor.execute(sql, [collection_id, study_id]).fetchone()
    if found is None:
        raise UsageError("The case was removed from this collection meanwhile: add it again to change it.")
    return str(found[0])


def _update(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str, change: str, value: Any) -> None:
    sql = f"UPDATE collection_cases SET {change} WHERE collection_id = ? AND study_id = ?"
    cursor.execute(sql, [value, collection_id, study_id])
