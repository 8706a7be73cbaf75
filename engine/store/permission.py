"""Which studies an actor may see: one condition, under which every read of studies for a person stands.

Queries name `permitted_studies` where they would name `studies`; `read` puts the condition behind that name, so that a
new query honours consent and permission without naming either. Writing, re-indexing and counting what is stored
concern every study and read the table itself, inside engine/store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.actor import Actor
from engine.store.database import Database
from engine.store.filters import CONSENT_SQL, Clause, all_of

TRAINING_CONSENT_SQL = "s.patient_id NOT IN (SELECT w.patient_id FROM withdrawn w WHERE w.scope = 'training')"


def policies(actor: Actor) -> list[Clause]:
    """Return what counts for the actor beyond consent to retrieval, which every search mask holds already.

    Consent to training counts where the actor trains.
    """
    return [Clause(TRAINING_CONSENT_SQL, (), "")] if actor.purpose == "training" else []


def permission(actor: Actor) -> Clause:
    """Return the condition on the studies table `s` that holds for what the actor may see: consent and policies."""
    return all_of([Clause(CONSENT_SQL, (), ""), *policies(actor)])


def read(database: Database, actor: Actor, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a SELECT that may name `permitted_studies`, a table of the columns of `studies`."""
    allowed = permission(actor)
    named = f"WITH permitted_studies AS (SELECT s.* FROM studies s WHERE {allowed.sql}) {sql}"
    return database.read(named, [*allowed.values, *values])
