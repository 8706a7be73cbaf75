"""What a workspace holds in sum: how many studies, which cohorts, labels and views; for an actor, or all of it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.actor import Actor
from engine.store import permission
from engine.store.database import Database
from engine.store.filters import Clause, all_of
from engine.store.records import Cohort

COHORTS = "SELECT name, licence, attribution, synthetic, label_source, ids FROM cohorts"


def counts(database: Database, actor: Actor, clauses: list[Clause]) -> dict[str, int]:
    """Return the number of studies per modality that the actor may see and the clauses leave."""
    met = all_of([Clause("true", (), ""), *clauses])
    sql = f"SELECT s.modality, count(*) FROM permitted_studies s WHERE {met.sql} GROUP BY 1 ORDER BY 1"
    return dict(permission.read(database, actor, sql, met.values))


def all_counts(database: Database) -> dict[str, int]:
    """Return the number of studies per modality, whoever may see them."""
    return dict(database.read("SELECT modality, count(*) FROM studies GROUP BY modality ORDER BY modality"))


def cohorts(database: Database, actor: Actor) -> list[Cohort]:
    """Return the cohorts of which the actor may see a study, by name."""
    sql = f"{COHORTS} WHERE name IN (SELECT cohort FROM permitted_studies) ORDER BY 1"
    return [Cohort(*row) for row in permission.read(database, actor, sql)]


def cohort(database: Database, name: str) -> Cohort | None:
    """Return a cohort by name, or None."""
    found = database.read(f"{COHORTS} WHERE name = ?", [name])
    return Cohort(*found[0]) if found else None


def all_cohorts(database: Database) -> list[Cohort]:
    """Return every cohort, by name."""
    return [Cohort(*row) for row in database.read(f"{COHORTS} ORDER BY 1")]


def labels(database: Database, actor: Actor, modality: str | None) -> list[str]:
    """Return the labels that occur, most frequent first, of all modalities or of one."""
    sql = (
        "SELECT label, count(*) FROM (SELECT unnest(labels) AS label FROM permitted_studies"
        " WHERE ? IS NULL OR modality = ?) GROUP BY label ORDER BY 2 DESC, 1"
    )
    return [label for label, _ in permission.read(database, actor, sql, [modality, modality])]


def labelled_synthetic(database: Database, actor: Actor) -> dict[str, list[str]]:
    """Return the ids of the synthetic studies that have labels, by modality, in order."""
    sql = (
        "SELECT modality, list(study_id ORDER BY study_id) FROM permitted_studies"
        " WHERE synthetic AND len(labels) > 0 GROUP BY modality"
    )
    return dict(permission.read(database, actor, sql))


def views(database: Database, actor: Actor) -> list[str]:
    """Return the views of the films that occur."""
    sql = "SELECT DISTINCT view FROM permitted_studies WHERE view IS NOT NULL AND view <> '' ORDER BY 1"
    return [view for (view,) in permission.read(database, actor, sql)]


def encounter_owners(database: Database, encounter_ids: list[str]) -> dict[str, str]:
    """Return encounter id → patient id of those encounters that are there."""
    sql = "SELECT encounter_id, patient_id FROM encounters WHERE encounter_id IN (SELECT unnest(?))"
    return dict(database.read(sql, [encounter_ids]))


def row_keys(database: Database, cohort: str, keys: Sequence[str] | None = None) -> dict[str, str]:
    """Return row key → study id of everything that a cohort already holds, or of those of the keys that it holds."""
    sql = "SELECT row_key, study_id FROM studies WHERE cohort = ?"
    if keys is None:
        return dict(database.read(sql, [cohort]))
    return dict(database.read(f"{sql} AND row_key IN (SELECT unnest(?))", [cohort, list(keys)]))
