"""Queries that were asked before: a stored one, a study of the workspace, the mean of several; and who is left out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.actor import Actor
from engine.retrieval import mean
from engine.store.filters import Clause, both, exclude_own_patient
from engine.store.records import StoredQuery
from engine.study import Study
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.intake.quality.verdict import QualityVerdict
    from engine.model.release import Release

# The verdict on a study of the workspace that becomes a query: it passed the gate when it was taken in.
ACCEPTED: dict[str, Any] = {"accepted": True, "score": 1.0, "reasons": (), "measures": ()}


def load_stored_query(
    workspace: Workspace, release: Release, query_id: str, *, actor: Actor
) -> tuple[StoredQuery, Clause]:
    """Return the stored query of that id, or the study of that id as a query, and who must not be returned.

    Nothing is encoded where the stored embedding is of the same encoders. Raises UsageError where the id is unknown, or
    a patient of the collection whom the query is of, or made of, has withdrawn.
    """
    stored = workspace.query(query_id, actor=actor)
    if stored is not None:
        own = exclusion_clause(workspace, stored.study, actor=actor)
        return (stored if stored.release == release.name else _under(workspace, release, stored, actor)), own
    row = workspace.row(query_id, actor=actor)
    embedding = workspace.embeddings(release.name, [query_id])
    code = release.codes(embedding, row.modality)[0]
    verdict = {**ACCEPTED, "score": row.quality_score}
    study = workspace.study_of(row)
    stored = StoredQuery(query_id, "", study, verdict, release.name, code, embedding[0])
    return stored, exclude_own_patient(study, row.patient_id)


def exclusion_clause(workspace: Workspace, study: Study, *, actor: Actor) -> Clause:
    """Return who is no neighbour of a query: its own patient; of a mean, the cases' and that of the query beside it."""
    own = exclude_own_patient(study, study.facts.get("patient_id"))
    if not study.facts.get("like"):
        return own
    clause = mean.exclude_patients_of(mean.chosen(workspace, study.facts["like"], actor=actor))
    beside = study.facts.get("beside")
    first = None if beside is None else workspace.query(beside, actor=actor)
    if first is not None:
        return both(clause, exclusion_clause(workspace, first.study, actor=actor))
    rows = workspace.all_rows([beside]) if beside else []  # whoever may see it, its patient is left out
    return both(clause, mean.exclude_patients_of(rows)) if rows else clause


def _under(workspace: Workspace, release: Release, stored: StoredQuery, actor: Actor) -> StoredQuery:
    """Return a query of another release under this one: a round's differs by its codes alone."""
    from engine.model.release import base_of

    if base_of(stored.release) != release.base or stored.study.facts.get("like"):
        return encoded_anew(workspace, release, stored, actor=actor)
    code = release.codes(stored.embedding[None], stored.study.modality)[0]
    return replace(stored, release=release.name, code=code)


def encoded_anew(workspace: Workspace, release: Release, stored: StoredQuery, *, actor: Actor) -> StoredQuery:
    """Return a query with code and embedding of a release."""
    if stored.study.facts.get("like"):
        code, embedding = mean.encoded(workspace, release, stored.study, actor=actor)
    else:
        embedding = release.embed([stored.study])[0]
        code = release.codes(embedding[None], stored.study.modality)[0]
    return replace(stored, release=release.name, embedding=embedding, code=code)


def verdict_of(stored: dict[str, Any]) -> QualityVerdict:
    """Return the verdict that was stored as plain JSON."""
    from engine.intake.quality.verdict import Measure, QualityVerdict

    numbers = ("value", "threshold")
    measures = tuple(
        Measure(**{**one, **{name: math.nan for name in numbers if one[name] is None}}) for one in stored["measures"]
    )
    return QualityVerdict(**{**stored, "reasons": tuple(stored["reasons"]), "measures": measures})
