"""Which studies an actor may see: one condition, under which every read of studies for a person stands.

Queries name `permitted_studies` where they would name `studies`; `read` puts the condition behind that name, so that a
new query honours consent and permission without naming either. A search takes the same condition as ordinals, of which
its mask is made. Writing, re-indexing and counting what is stored concern every study and read the table itself, inside
engine/store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from engine.actor import Actor
from engine.store import rule
from engine.store.classes import class_of_cohort
from engine.store.database import Database
from engine.store.filters import ACCEPTED_SQL, CONSENT_SQL, Clause, all_of
from engine.store.rule import Act

WITHHELD_SQL = "s.encounter_id NOT IN (SELECT unnest(?::VARCHAR[]))"
CLASS_SQL = "s.class_id IN (SELECT unnest(?::INTEGER[]))"
PURPOSE_CONSENT_SQL = "s.patient_id NOT IN (SELECT w.patient_id FROM withdrawn w WHERE w.scope = ?)"


RETURNABLE = (Clause(ACCEPTED_SQL, (), ""), Clause(CONSENT_SQL, (), ""))  # of every study that anybody may see


def policies(database: Database, actor: Actor) -> list[Clause]:
    """Return what counts for the actor beyond consent to retrieval, which every search mask holds already.

    Consent to what the actor acts for counts beside it; cases of quizzes and reader studies that are open to it are out
    of sight; an account sees the classes of studies that the rule of the record lets it see.
    """
    found = [Clause(PURPOSE_CONSENT_SQL, (scope,), "") for scope in actor.scopes]
    if actor.withheld:
        found.append(Clause(WITHHELD_SQL, (list(actor.withheld),), ""))
    if (classes := _classes(database, actor)) is not None:
        found.append(Clause(CLASS_SQL, (list(classes),), ""))
    return found


def may(database: Database, actor: Actor, act: Act) -> bool:
    """Return whether the rule of the record lets the actor do something; without sign-in one person does everything."""
    return rule.may(database.rule, actor, act)


def require(database: Database, actor: Actor, act: Act) -> None:
    """Raise NotPermittedError unless the actor may do something."""
    rule.require(database.rule, actor, act)


def _classes(database: Database, actor: Actor) -> tuple[int, ...] | None:
    """Return the classes of studies that the actor sees; None for all."""
    if not actor.signed_in:
        return None
    return () if database.rule is None else database.rule.classes(actor)


def sees_cohort(database: Database, actor: Actor, cohort: str) -> bool:
    """Return whether the actor sees studies of the class that a new study of a cohort would have.

    A class that no study has had yet is seen by nobody with an account.
    """
    if not actor.signed_in:
        return True
    known, seen = class_of_cohort(database, cohort), _classes(database, actor)
    return known is not None and (seen is None or known in seen)


def permission(database: Database, actor: Actor) -> Clause:
    """Return the condition on the studies table `s` that holds for what the actor may see.

    The quality gate accepts the study, its patient consents, and the actor's policies allow it.
    """
    return all_of([*RETURNABLE, *policies(database, actor)])


def read(database: Database, actor: Actor, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a SELECT that may name `permitted_studies`, a table of the columns of `studies`."""
    return database.read(*_named(database, actor, sql, values))


def columns(database: Database, actor: Actor, sql: str, values: Sequence[Any] = ()) -> dict[str, Any]:
    """Return the result of such a SELECT as one numpy array per column."""
    return database.columns(*_named(database, actor, sql, values))


def permitted_ids(database: Database, actor: Actor, study_ids: Sequence[str]) -> frozenset[str]:
    """Return those of the studies that are in the workspace and that the actor may see."""
    sql = "SELECT study_id FROM permitted_studies WHERE study_id IN (SELECT unnest(?))"
    return frozenset(study_id for (study_id,) in read(database, actor, sql, [list(study_ids)]))


def _named(database: Database, actor: Actor, sql: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the SELECT with `permitted_studies` defined before it, and all values."""
    allowed = permission(database, actor)
    named = f"WITH permitted_studies AS (SELECT s.* FROM studies s WHERE {allowed.sql}) {sql}"
    return named, [*allowed.values, *values]


WITHDRAWN = "SELECT w.patient_id FROM withdrawn w WHERE w.scope = 'retrieval'"


def permitted(database: Database, clauses: Sequence[Clause], modality: str) -> np.ndarray:
    """Return the ordinals, (m,) int64, of the studies of one modality that consent and the clauses leave."""
    met = all_of([*RETURNABLE, *clauses])
    sql = f"SELECT s.ordinal FROM studies s WHERE s.modality = ? AND {met.sql}"
    return _ordinals(database, sql, [modality, *met.values])


def excluded(database: Database, clause: Clause) -> np.ndarray:
    """Return the ordinals, (m,) int64, of the studies that do not meet one clause, consent aside.

    A condition that is unknown, such as the age of a study without one, counts as not met.
    """
    sql = f"SELECT s.ordinal FROM studies s WHERE ({clause.sql}) IS NOT TRUE"
    return _ordinals(database, sql, clause.values)


def hidden(database: Database) -> np.ndarray:
    """Return the ordinals, (m,) int64, of all studies that are set aside or whose patients have withdrawn."""
    return excluded(database, all_of([*RETURNABLE]))


def set_aside(database: Database) -> np.ndarray:
    """Return the ordinals, (m,) int64, of the studies that the quality gate refuses."""
    return excluded(database, Clause(ACCEPTED_SQL, (), ""))


def withdrawn_patients(database: Database) -> np.ndarray:
    """Return the numbers, (m,) int64, of the patients who have withdrawn; reads no patient while none has."""
    ids = [patient_id for (patient_id,) in database.read(WITHDRAWN)]
    if not ids:
        return np.empty(0, np.int64)
    sql = "SELECT number FROM patients WHERE number IS NOT NULL AND patient_id IN (SELECT unnest(?))"
    return np.asarray(database.columns(sql, [ids])["number"], np.int64)


def consent_number(database: Database) -> int:
    """Return a number that grows with every decision on consent, so that older work is known to be old."""
    return int(database.read("SELECT coalesce(max(number), 0) FROM consent")[0][0])


def newest(database: Database) -> int:
    """Return the largest ordinal, which is the newest study's; 0 while there is none."""
    return int(database.read("SELECT coalesce(max(ordinal), 0) FROM studies")[0][0])


def ordinals_of(database: Database, study_ids: Sequence[str]) -> np.ndarray:
    """Return the ordinals, (m,) int64, of those studies that are there."""
    return _ordinals(database, "SELECT ordinal FROM studies WHERE study_id IN (SELECT unnest(?))", [list(study_ids)])


def study_ids_of(database: Database, ordinals: np.ndarray) -> dict[int, str]:
    """Return ordinal → study id of those studies that are there."""
    sql = "SELECT ordinal, study_id FROM studies WHERE ordinal IN (SELECT unnest(?))"
    return dict(database.read(sql, [ordinals.tolist()]))


def _ordinals(database: Database, sql: str, values: Sequence[object] = ()) -> np.ndarray:
    return np.asarray(database.columns(sql, list(values))["ordinal"], dtype=np.int64)


def refused_patients(database: Database, actor: Actor, patient_ids: Iterable[str]) -> frozenset[str]:
    """Return those patients of whom the actor may not see every study, also where no study of theirs is left.

    What the quality gate sets aside says nothing about a patient.
    """
    allowed, ids = all_of([Clause(CONSENT_SQL, (), ""), *policies(database, actor)]), list(patient_ids)
    scopes = ["retrieval", *actor.scopes]
    found = database.read(
        "SELECT w.patient_id FROM withdrawn w WHERE w.scope IN (SELECT unnest(?::VARCHAR[]))"
        " AND w.patient_id IN (SELECT unnest(?::VARCHAR[]))"
        " UNION SELECT s.patient_id FROM studies s WHERE s.patient_id IN (SELECT unnest(?::VARCHAR[]))"
        f" AND ({allowed.sql}) IS NOT TRUE",
        [scopes, ids, ids, *allowed.values],
    )
    return frozenset(patient_id for (patient_id,) in found)
