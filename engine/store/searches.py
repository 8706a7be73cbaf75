"""Saved searches, each its author's own, and the queries that somebody asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from engine.actor import Actor
from engine.files import utc_now
from engine.store import permission
from engine.store.content import load_content
from engine.store.database import Database
from engine.store.workspace_files import WorkspaceFiles
from engine.study import Modality, Note

COLUMNS = "search_id, who, name, address, made_at"


@dataclass(frozen=True)
class SavedSearch:
    """A view of a search under a name; `address` is what stands behind the question mark of its page."""

    search_id: str
    who: str
    name: str
    address: str
    made_at: datetime


@dataclass(frozen=True)
class PastQuery:
    """One query that was asked: the `words` of a typed one, the `labels` of its file, the `cases` it is the mean of."""

    query_id: str
    modality: Modality
    recognised: str
    words: str
    labels: tuple[str, ...]
    cases: int
    asked_at: datetime


def read_searches(database: Database, who: str) -> list[SavedSearch]:
    """Return somebody's saved searches, the newest first."""
    found = database.read(f"SELECT {COLUMNS} FROM saved_searches WHERE who = ? ORDER BY made_at DESC, 1", [who])
    return [SavedSearch(*row) for row in found]


def write_search(database: Database, search: SavedSearch) -> SavedSearch:
    """Insert a saved search; one of the same author and address takes its name instead. Return what is stored."""
    with database.write() as cursor:
        row = cursor.execute(
            f"SELECT {COLUMNS} FROM saved_searches WHERE who = ? AND address = ?", [search.who, search.address]
        ).fetchone()
        if row is None:
            values = [search.search_id, search.who, search.name, search.address, search.made_at, search.made_at]
            cursor.execute("INSERT INTO saved_searches VALUES (?, ?, ?, ?, ?, ?)", values)
            return search
        known = SavedSearch(*row)
        sql = "UPDATE saved_searches SET name = ?, changed_at = ? WHERE search_id = ?"
        cursor.execute(sql, [search.name, utc_now(), known.search_id])
        return SavedSearch(known.search_id, known.who, search.name, known.address, known.made_at)


def rename_search(database: Database, search_id: str, who: str, name: str) -> bool:
    """Give somebody's saved search another name; return whether there is one."""
    with database.write() as cursor:
        sql = "UPDATE saved_searches SET name = ?, changed_at = ? WHERE search_id = ? AND who = ? RETURNING 1"
        return cursor.execute(sql, [name, utc_now(), search_id, who]).fetchone() is not None


def remove_search(database: Database, search_id: str, who: str) -> SavedSearch | None:
    """Delete somebody's saved search; return it, or None where there is none."""
    with database.write() as cursor:
        sql = f"DELETE FROM saved_searches WHERE search_id = ? AND who = ? RETURNING {COLUMNS}"
        row = cursor.execute(sql, [search_id, who]).fetchone()
        return None if row is None else SavedSearch(*row)


def read_past_queries(database: Database, files: WorkspaceFiles, actor: Actor, limit: int) -> list[PastQuery]:
    """Return the newest queries that the actor asked, newest first, without those of patients who withdrew."""
    found = database.read(
        "SELECT query_id, modality, recognised, facts, file, created_at FROM queries WHERE who = ?"
        " ORDER BY created_at DESC, query_id LIMIT ?",
        [actor.name, limit],
    )
    rows = [(query_id, kind, known, json.loads(facts), file, at) for query_id, kind, known, facts, file, at in found]
    patients = {str(facts["patient_id"]) for *_, facts, _, _ in rows if facts.get("patient_id")}
    refused = permission.refused_patients(database, actor, patients) if patients else frozenset()
    return [
        PastQuery(
            query_id,
            kind,
            known,
            _words(files, file) if kind == "text" and not facts.get("like") else "",
            tuple(facts.get("labels") or ()),
            len(facts.get("like") or ()),
            at,
        )
        for query_id, kind, known, facts, file, at in rows
        if str(facts.get("patient_id")) not in refused
    ]


def _words(files: WorkspaceFiles, file: str) -> str:
    content = load_content(files, files.queries / file)
    return content.text if isinstance(content, Note) else ""
