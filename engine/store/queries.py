"""Stored queries: an accepted query is kept, de-identified, so that its page can be shown again."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from engine.files import utc_now
from engine.store.content import load_content, save_content
from engine.store.database import Database
from engine.store.records import StoredQuery
from engine.study import IdentityRow, Study

COLUMNS = (
    "query_id, who, created_at, modality, recognised, identity, identity_note, facts, window_start_s, window_end_s,"
    " verdict, fingerprint, patient_key, file, release, code, vector"
)


def save(folder: Path, query: StoredQuery) -> str:
    """Write the content file of a query durably; return its path relative to `folder`."""
    return save_content(folder, query.query_id, query.study)


def keep(cursor: duckdb.DuckDBPyConnection, file: str, query: StoredQuery) -> None:
    """Insert the row of a query whose content file is written, inside a transaction."""
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
        json.dumps(study.facts, default=str),
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


def load(database: Database, folder: Path, query_id: str) -> StoredQuery | None:
    """Return the query with its content, or None where there is no such id."""
    found = database.read(f"SELECT {COLUMNS} FROM queries WHERE query_id = ?", [query_id])
    if not found:
        return None
    row = dict(zip(COLUMNS.replace(" ", "").split(","), found[0], strict=True))
    window = None if row["window_start_s"] is None else (row["window_start_s"], row["window_end_s"])
    study = Study(
        modality=row["modality"],
        content=load_content(folder / row["file"]),
        recognised=row["recognised"],
        identity=tuple(IdentityRow(**one) for one in json.loads(row["identity"])),
        identity_note=row["identity_note"],
        facts=json.loads(row["facts"]),
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


def newest_ids(database: Database, limit: int, *, who: str | None = None, means: bool = True) -> list[str]:
    """Return the ids of the newest stored queries of one person or of anybody, newest first.

    means : also queries that are the mean of several cases
    """
    found = database.read(
        "SELECT query_id FROM queries WHERE (? IS NULL OR who = ?) AND (? OR json_extract(facts, '$.like') IS NULL)"
        " ORDER BY created_at DESC, query_id LIMIT ?",
        [who, who, means, limit],
    )
    return [query_id for (query_id,) in found]


def sources(database: Database, query_ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return query id → (content file, patient id where it is a study's own recording) of those that are there."""
    found = database.read(
        "SELECT query_id, file, json_extract_string(facts, '$.patient_id') FROM queries"
        " WHERE query_id IN (SELECT unnest(?::VARCHAR[]))",
        [list(query_ids)],
    )
    return {query_id: (file, patient) for query_id, file, patient in found}


def version(database: Database) -> tuple[object, ...]:
    """Return what differs as soon as another query is stored: the moment of the newest one, and their number."""
    return database.read("SELECT max(created_at), count(*) FROM queries")[0]


def _plain(value: Any) -> Any:
    """Return plain JSON values: numpy scalars become Python's, and what is not a finite number becomes null."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
