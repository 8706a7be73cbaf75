"""Who has recordings at several moments: what is shown over time."""

from __future__ import annotations

from typing import NamedTuple

from engine.actor import Actor
from engine.store import permission
from engine.store.database import Database

LEAST = 3  # moments
LISTED = 500  # people


class PersonSeries(NamedTuple):
    """One person's recordings with a time of day: how many there are, and the first and the last moment (ISO 8601)."""

    patient_id: str
    cohort: str
    recordings: int
    first: str
    last: str


def series(database: Database, actor: Actor) -> list[PersonSeries]:
    """Return the people with ECGs or pulse recordings at several moments that the actor may see, most of them first."""
    found = permission.read(
        database,
        actor,
        "SELECT patient_id, any_value(cohort), count(*), min(acquired_at), max(acquired_at) FROM permitted_studies"
        " WHERE modality IN ('ecg', 'ppg') AND length(acquired_at) > 10"
        " GROUP BY patient_id HAVING count(DISTINCT acquired_at) >= ? ORDER BY 3 DESC, 1 LIMIT ?",
        [LEAST, LISTED],
    )
    return [PersonSeries(*row) for row in found]


def has_any(database: Database, actor: Actor, column: str) -> bool:
    """Say whether the actor may see a study that has something in a further column."""
    sql = "SELECT 1 FROM permitted_studies WHERE json_extract_string(extra, ?) IS NOT NULL LIMIT 1"
    return bool(permission.read(database, actor, sql, [f"$.{column}"]))
