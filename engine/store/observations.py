"""Observations: what the monitor needs of every query that the quality gate judged, refused ones too.

A row says from which source a query came, why it was refused and what was measured; it holds no content. It is written
in the transaction of the query, or of the refusal's act.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import numpy as np

from engine.files import utc_now
from engine.store.database import Database
from engine.store.records import Observation

COLUMNS = (
    "query_id, observed_at, modality, source, accepted, cause, measures, score, latency_ms, nothing_close, release,"
    " synthetic, patient_id, patient_key, fingerprint"
)
# One patient counts once a source: the first query of theirs. Patients who have withdrawn are out, words too.
WHOSE = "coalesce(o.patient_id, o.patient_key, o.fingerprint)"
COUNTED = (
    "NOT o.synthetic AND o.modality <> 'text' AND (o.patient_id IS NULL OR o.patient_id NOT IN"
    " (SELECT w.patient_id FROM withdrawn w WHERE w.scope = 'retrieval'))"
)
ONCE = f"QUALIFY row_number() OVER (PARTITION BY o.modality, o.source, {WHOSE} ORDER BY o.observed_at, o.query_id) = 1"


@dataclass(frozen=True, eq=False)
class Observed:
    """One row of the stream that the monitor reads: an observation, with what a stored query adds.

    stored : whether its embedding is there; not of a refused one, nor of one that was deleted since
    """

    query_id: str
    at: datetime
    modality: str
    source: str
    accepted: bool
    score: float
    latency_ms: float | None
    nothing_close: bool | None
    release: str
    facts: dict[str, Any]
    stored: bool


def insert(cursor: duckdb.DuckDBPyConnection, seen: Observation) -> None:
    """Append an observation, inside a transaction."""
    measures = {name: value for name, value in seen.measures.items() if math.isfinite(value)}
    values = [
        seen.query_id,
        utc_now(),
        seen.modality,
        seen.source,
        seen.accepted,
        seen.cause,
        json.dumps(measures),
        float(seen.score),
        seen.latency_ms,
        seen.nothing_close,
        seen.release,
        seen.synthetic,
        seen.patient_id,
        seen.patient_key,
        seen.fingerprint,
    ]
    cursor.execute(f"INSERT INTO observations ({COLUMNS}) VALUES ({', '.join('?' * len(values))})", values)


def stream(database: Database, base: str) -> list[Observed]:
    """Return what counts of the queries under a release and its rounds, oldest first, each patient once a source.

    Synthetic queries, words and patients who have withdrawn are left out. base : the release's name without its rounds
    """
    rows = database.read(
        "SELECT o.query_id, o.observed_at, o.modality, o.source, o.accepted, o.score, o.latency_ms, o.nothing_close,"
        " o.release, coalesce(q.facts, '{}'), q.query_id IS NOT NULL"
        " FROM observations o LEFT JOIN queries q USING (query_id)"
        f" WHERE {COUNTED} AND (o.release = ? OR starts_with(o.release, ? || '.')) {ONCE}"
        " ORDER BY o.observed_at, o.query_id",
        [base, base],
    )
    return [Observed(*(*plain, json.loads(facts), stored)) for *plain, facts, stored in rows]


def vectors(database: Database, query_ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Return query id → embedding (256,) float32 of those stored queries that are there."""
    sql = "SELECT query_id, vector FROM queries WHERE query_id IN (SELECT unnest(?::VARCHAR[]))"
    return {name: np.asarray(vector, np.float32) for name, vector in database.read(sql, [list(query_ids)])}


def refusals(database: Database, since: datetime) -> list[tuple[str, str, str, int]]:
    """Return (modality, source, cause, number) of the refusals since a moment, most frequent first."""
    sql = (
        f"SELECT o.modality, o.source, o.cause, count(*) FROM observations o WHERE {COUNTED} AND NOT o.accepted"
        " AND o.observed_at >= ? GROUP BY ALL ORDER BY 4 DESC, 1, 2, 3"
    )
    return database.read(sql, [since])


def left_out(database: Database) -> dict[str, int]:
    """Return how many queries do not count, by why: synthetic, words."""
    ((synthetic, words),) = database.read(
        "SELECT count(*) FILTER (synthetic AND modality <> 'text'), count(*) FILTER (modality = 'text')"
        " FROM observations"
    )
    return {"synthetic": int(synthetic), "text": int(words)}


def collection(database: Database, release: str, modality: str) -> dict[str, Any]:
    """Return the permitted studies of one modality with codes, columns: patient, w0 … w3, age, sex, view."""
    from engine.store.permission import RETURNABLE

    met = " AND ".join(f"({one.sql})" for one in RETURNABLE)
    values: Sequence[Any] = [release, modality, *(value for one in RETURNABLE for value in one.values)]
    return database.columns(
        "SELECT c.patient, c.w0, c.w1, c.w2, c.w3, coalesce(s.age, -1) AS age, coalesce(s.sex, '') AS sex,"
        " coalesce(s.view, '') AS view FROM codes c JOIN studies s USING (ordinal)"
        f" WHERE c.release = ? AND c.modality = ? AND {met} ORDER BY c.ordinal",
        values,
    )


def rated(database: Database, release: str) -> list[tuple[datetime, str, str, str, list[float], Any, str, int]]:
    """Return the pairs that were offered at random and rated under a release, oldest first, one pair a query.

    Each is (moment, mark, modality of the query, its source, its embedding, the study's code as four words, the
    study's modality, bits).
    """
    return database.read(
        "SELECT r.created_at, r.mark, q.modality, o.source, q.vector, [c.w0, c.w1, c.w2, c.w3], c.modality, r.bits"
        " FROM ratings r JOIN queries q USING (query_id) JOIN observations o USING (query_id)"
        " JOIN codes c ON c.study_id = r.study_id AND c.release = ?"
        f" WHERE {COUNTED} AND r.random_share AND r.undone_at IS NULL AND r.source = '' AND r.mark <> 'skip'"
        " QUALIFY row_number() OVER (PARTITION BY r.query_id ORDER BY r.created_at DESC) = 1"
        " ORDER BY r.created_at",
        [release],
    )
