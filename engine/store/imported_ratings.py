"""Ratings from another site of pairs that are not in this workspace, kept with the embeddings a round learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import duckdb
import numpy as np

from engine.files import utc_now
from engine.store import bulk
from engine.store.database import Database


@dataclass(frozen=True, eq=False)
class ImportedRating:
    """One imported rating of a pair of another site.

    query_encoder, encoder : digests of what made the embeddings; they are those of the release installed at import
    query_vector, vector   : (256,) float32
    """

    uid: str
    source: str
    who: str
    query_id: str
    query_modality: str
    query_labels: tuple[str, ...]
    study_id: str
    modality: str
    labels: tuple[str, ...]
    mark: str
    why: tuple[str, ...]
    comment: str
    finding: str
    strategy: str
    random_share: bool
    release: str
    bits: int
    operating_point: str | None
    hamming: int | None
    created_at: datetime
    query_encoder: str
    encoder: str
    query_synthetic: bool
    synthetic: bool
    query_vector: np.ndarray
    vector: np.ndarray


NAMES = tuple(field.name for field in fields(ImportedRating))
VECTORS, LISTS = ("query_vector", "vector"), ("query_labels", "labels", "why")
TYPES = {
    **dict.fromkeys(VECTORS, "FLOAT[256]"),
    **dict.fromkeys(LISTS, "VARCHAR[]"),
    **dict.fromkeys(("bits", "hamming"), "INTEGER"),
    **dict.fromkeys(("created_at", "imported_at"), "TIMESTAMP"),
    **dict.fromkeys(("random_share", "query_synthetic", "synthetic"), "BOOLEAN"),
}


def add(cursor: duckdb.DuckDBPyConnection, rows: Sequence[ImportedRating]) -> None:
    """Append rows inside a transaction."""
    types = {name: TYPES.get(name, "VARCHAR") for name in (*NAMES, "imported_at")}
    values = [[*(_plain(getattr(row, name)) for name in NAMES), utc_now()] for row in rows]
    bulk.insert(cursor, "pooled_ratings", types, values)


def present_uids(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the uids of all ratings that are here, given here or imported."""
    rows = cursor.execute("SELECT uid FROM ratings UNION ALL SELECT uid FROM pooled_ratings").fetchall()
    return {uid for (uid,) in rows}


def imported_ratings(database: Database, encoders: dict[str, str] | None = None) -> list[ImportedRating]:
    """Return all rows, oldest first; of the latest moment per rater and pair.

    encoders : modality → digest; leaves out rows whose embeddings others made
    """
    found = database.read(
        f"SELECT {', '.join(NAMES)} FROM pooled_ratings QUALIFY row_number() OVER (PARTITION BY query_id, study_id,"
        " who, source ORDER BY created_at DESC, uid DESC) = 1 ORDER BY created_at, uid"
    )
    rows = [_row(one) for one in found]
    if encoders is None:
        return rows
    return [
        one
        for one in rows
        if (encoders.get(one.query_modality), encoders.get(one.modality)) == (one.query_encoder, one.encoder)
    ]


def count_since(database: Database, since: datetime | None) -> int:
    """Return how many rows were imported after a moment; None for ever."""
    sql = "SELECT count(*) FROM pooled_ratings WHERE imported_at > coalesce(?, TIMESTAMP '1970-01-01')"
    return int(database.read(sql, [since])[0][0])


def _row(values: Sequence[Any]) -> ImportedRating:
    record = dict(zip(NAMES, values, strict=True))
    record |= {name: np.asarray(record[name], np.float32) for name in VECTORS}
    record |= {name: tuple(record[name]) for name in LISTS}
    return ImportedRating(**record)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.astype(float).tolist()
    return list(value) if isinstance(value, tuple) else value
