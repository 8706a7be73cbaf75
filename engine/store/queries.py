"""Stored queries: an accepted query is kept, de-identified, so that its page can be shown again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import duckdb
import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store import observations
from engine.store.content import file_of, load_content, save_content
from engine.store.database import Database
from engine.store.records import StoredQuery
from engine.store.workspace_files import WORDS, WorkspaceFiles, query_owner
from engine.study import IdentityRow, Study

SHARED = "SELECT query_id FROM shared_queries WHERE ended_at IS NULL"
OPEN = f"(? OR who IN (SELECT unnest(?::VARCHAR[])) OR query_id IN ({SHARED}))"  # to an actor: engine.actor's rule
COLUMNS = (
    "query_id, who, created_at, modality, recognised, identity, identity_note, facts, window_start_s, window_end_s,"
    " verdict, fingerprint, patient_key, file, release, code, vector"
)


def save(files: WorkspaceFiles, query: StoredQuery) -> str:
    """Write the content file of a query durably; return its path relative to the folder of queries."""
    content, owner = file_of(query.study.content), query_owner(query.query_id)
    return save_content(files, files.queries, query.query_id, content, owner=owner)


def keep(cursor: duckdb.DuckDBPyConnection, files: WorkspaceFiles, file: str, query: StoredQuery) -> None:
    """Insert the rows of a query whose content file is written, inside a transaction."""
    study = query.study
    start, end = study.window_s or (None, None)
    row = [
        query.query_id,
        query.who,
        utc_now(),
        study.modality,
        study.recognised,
        json.dumps([asdict(one) for one in study.identity]),
        study.identity_note,
        json.dumps(_concealed(files, query.query_id, study.facts), default=str),
        start,
        end,
        json.dumps(_plain(query.verdict)),
        study.fingerprint,
        study.patient_key,
        file,
        query.release,
        query.code.tobytes(),
        query.embedding.astype(float).tolist(),
    ]
    cursor.execute(f"INSERT INTO queries VALUES ({', '.join('?' * len(row))})", row)
    if query.observed is not None:
        observations.insert(cursor, query.observed)


def load(database: Database, actor: Actor, files: WorkspaceFiles, query_id: str) -> StoredQuery | None:
    """Return the query with its content, or None where there is no such id, or none that is open to the actor."""
    found = database.read(f"SELECT {COLUMNS} FROM queries WHERE query_id = ? AND {OPEN}", [query_id, *_open(actor)])
    if not found:
        return None
    row = dict(zip(COLUMNS.replace(" ", "").split(","), found[0], strict=True))
    window = None if row["window_start_s"] is None else (row["window_start_s"], row["window_end_s"])
    study = Study(
        modality=row["modality"],
        content=load_content(files, files.queries / row["file"]),
        recognised=row["recognised"],
        identity=tuple(IdentityRow(**one) for one in json.loads(row["identity"])),
        identity_note=row["identity_note"],
        facts=_revealed(files, query_id, json.loads(row["facts"])),
        patient_key=row["patient_key"],
        window_s=window,
        fingerprint=row["fingerprint"],
    )
    return StoredQuery(
        query_id=row["query_id"],
        who=row["who"],
        study=study,
        verdict=json.loads(row["verdict"]),
        release=row["release"],
        code=np.frombuffer(row["code"], dtype=np.uint8),
        embedding=np.asarray(row["vector"], dtype=np.float32),
        created_at=row["created_at"],
    )


def newest_ids(
    database: Database, limit: int, *, who: str | None = None, means: bool = True, shared: bool = False
) -> list[str]:
    """Return the ids of the newest stored queries of one person or of anybody, newest first.

    means : also queries that are the mean of several cases; shared : also those that others share with raters
    """
    found = database.read(
        f"SELECT query_id FROM queries WHERE (? IS NULL OR who = ? OR (? AND query_id IN ({SHARED})))"
        " AND (? OR json_extract(facts, '$.like') IS NULL) ORDER BY created_at DESC, query_id LIMIT ?",
        [who, who, shared, means, limit],
    )
    return [query_id for (query_id,) in found]


def sources(database: Database, actor: Actor, query_ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return query id → (content file, patient id where it is a study's own recording) of those open to the actor."""
    found = database.read(
        "SELECT query_id, file, json_extract_string(facts, '$.patient_id') FROM queries"
        f" WHERE query_id IN (SELECT unnest(?::VARCHAR[])) AND {OPEN}",
        [list(query_ids), *_open(actor)],
    )
    return {query_id: (file, patient) for query_id, file, patient in found}


def share(database: Database, query_id: str, who: str) -> None:
    """Let other raters be shown a query; only whoever asked it may. UsageError where that is somebody else."""
    with database.write() as cursor:
        row = cursor.execute("SELECT who FROM queries WHERE query_id = ?", [query_id]).fetchone()
        if row is None or row[0] != who:
            raise UsageError("Only whoever asked a query can share it with raters: open your own one.")
        if cursor.execute(f"SELECT 1 FROM ({SHARED}) WHERE query_id = ?", [query_id]).fetchone() is None:
            cursor.execute("INSERT INTO shared_queries VALUES (?, ?, ?, NULL)", [query_id, who, utc_now()])


def end_sharing(database: Database, query_id: str, who: str) -> None:
    """Show a query to nobody else any more; the marks on it stay."""
    with database.write() as cursor:
        cursor.execute(
            "UPDATE shared_queries SET ended_at = ? WHERE query_id = ? AND who = ? AND ended_at IS NULL",
            [utc_now(), query_id, who],
        )


def is_shared(database: Database, query_id: str) -> bool:
    """Say whether raters other than the one who asked may be shown a query."""
    return bool(database.read(f"SELECT 1 FROM ({SHARED}) WHERE query_id = ?", [query_id]))


def owner_of(database: Database, query_id: str) -> str | None:
    """Return who asked a stored query; None where there is none of that id."""
    found = database.read("SELECT who FROM queries WHERE query_id = ?", [query_id])
    return found[0][0] if found else None


def hidden_from(database: Database, who: str, ids: Iterable[str]) -> set[str]:
    """Return those of the ids that are queries of somebody else and not shared: a rater is not shown them."""
    sql = (
        "SELECT query_id FROM queries WHERE query_id IN (SELECT unnest(?::VARCHAR[])) AND who <> ?"
        f" AND query_id NOT IN ({SHARED})"
    )
    return {query_id for (query_id,) in database.read(sql, [sorted(set(ids)), who])}


def closed_to(database: Database, actor: Actor, query_id: str) -> bool:
    """Say whether an id is that of a query which the actor may not open."""
    sql = f"SELECT 1 FROM queries WHERE query_id = ? AND NOT {OPEN}"
    return actor.signed_in and bool(database.read(sql, [query_id, *_open(actor)]))


def version(database: Database) -> tuple[object, ...]:
    """Return what differs as soon as another query is stored: the moment of the newest one, and their number."""
    return database.read("SELECT max(created_at), count(*) FROM queries")[0]


def files_by_id(database: Database) -> dict[str, str]:
    """Return query id → content file, relative to the folder of queries."""
    return dict(database.read("SELECT query_id, file FROM queries"))


def plain_reports(database: Database) -> dict[str, dict[str, Any]]:
    """Return query id → facts of the stored queries whose report stands in words in the record."""
    report = "json_extract_string(facts, '$.report')"
    sql = f"SELECT query_id, facts FROM queries WHERE {report} <> '' AND NOT starts_with({report}, '{WORDS}')"
    return {query_id: json.loads(facts) for query_id, facts in database.read(sql)}


def conceal_reports(database: Database, files: WorkspaceFiles) -> None:
    """Encrypt the reports that stand in words in the facts of stored queries."""
    for query_id, facts in plain_reports(database).items():
        made = json.dumps(_concealed(files, query_id, facts))
        with database.write() as cursor:
            cursor.execute("UPDATE queries SET facts = ? WHERE query_id = ?", [made, query_id])


def _concealed(files: WorkspaceFiles, query_id: str, facts: dict[str, Any]) -> dict[str, Any]:
    if not facts.get("report"):
        return facts
    return {**facts, "report": files.conceal(str(facts["report"]), query_owner(query_id), query_id)}


def _revealed(files: WorkspaceFiles, query_id: str, facts: dict[str, Any]) -> dict[str, Any]:
    if not facts.get("report"):
        return facts
    words = files.reveal(facts["report"], query_id)
    return {name: value for name, value in {**facts, "report": words}.items() if name != "report" or words}


def _open(actor: Actor) -> list[Any]:
    """Return the values of OPEN."""
    return [not actor.signed_in, list(actor.owners)]


def _plain(value: Any) -> Any:
    """Return plain JSON values: numpy scalars become Python's, and what is not a finite number becomes null."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
