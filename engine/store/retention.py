"""What ends: uploads that nothing rests on, after a number of days; cohorts, with their agreement."""

from __future__ import annotations

from datetime import date, datetime

from engine.store.classes import LATEST
from engine.store.database import Database

USED = (  # a query on which something rests: a case beside it in a collection, a mark, a known pair, a share
    "SELECT query_id FROM collection_cases WHERE removed_at IS NULL AND query_id IS NOT NULL"
    " UNION SELECT query_id FROM ratings WHERE undone_at IS NULL"
    " UNION SELECT query_id FROM known_pairs WHERE removed_at IS NULL"
    " UNION SELECT query_id FROM adjudications WHERE undone_at IS NULL"
    " UNION SELECT query_id FROM shared_queries WHERE ended_at IS NULL"
)
UPLOADS = (  # recordings and films that somebody brought: no study of the collection, and nothing that was typed
    "SELECT query_id FROM queries WHERE modality <> 'text' AND json_extract_string(facts, '$.study_id') IS NULL"
    " AND json_extract_string(facts, '$.patient_id') IS NULL AND json_extract(facts, '$.like') IS NULL"
)


def unused_uploads(database: Database, before: datetime) -> list[str]:
    """Return the ids of uploads from before a moment on which nothing rests, in order."""
    sql = f"SELECT query_id FROM ({UPLOADS} AND created_at < ?) WHERE query_id NOT IN ({USED}) ORDER BY query_id"
    return [query_id for (query_id,) in database.read(sql, [before])]


def ended_cohorts(database: Database, today: date) -> dict[str, list[str]]:
    """Return cohort → its patients, of the cohorts whose agreement had its last day before today."""
    found = database.read(
        f"SELECT p.cohort, list(p.patient_id ORDER BY p.patient_id) FROM patients p JOIN ({LATEST}) a USING (cohort)"
        " WHERE a.agreement_ends <> '' AND a.agreement_ends < ? GROUP BY p.cohort ORDER BY p.cohort",
        [today.isoformat()],
    )
    return {cohort: list(patients) for cohort, patients in found}
