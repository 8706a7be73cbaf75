"""What a map of the collection is made of and what it shows: codes and facts of the studies that an actor may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.actor import Actor
from engine.store import permission
from engine.store.database import Database

CODES = (
    "SELECT c.study_id, c.modality, c.w0, c.w1, c.w2, c.w3 FROM codes c JOIN permitted_studies s USING (study_id)"
    " WHERE c.release = ? ORDER BY c.study_id"
)
FACTS = (
    "SELECT s.study_id, s.modality, s.cohort, s.labels, s.synthetic FROM permitted_studies s"
    " WHERE s.study_id IN (SELECT unnest(?))"
)


def code_columns(database: Database, actor: Actor, release: str) -> dict[str, Any]:
    """Return study_id, modality and the code's words w0 … w3 of a release as columns, in the order of the ids."""
    return permission.columns(database, actor, CODES, [release])


def fact_columns(database: Database, actor: Actor, study_ids: Sequence[str]) -> dict[str, Any]:
    """Return study_id, modality, cohort, labels and synthetic of those of the studies that are there, as columns."""
    return permission.columns(database, actor, FACTS, [list(study_ids)])
