"""More like these: the query that several cases make together.

Its code is the mean of their codes in signed bits: bit i is set where more of the cases have it set than not. Where as
many have it as have it not, as happens in half of the bits that two cases differ in, the mean of their signed distances
from the bit's threshold decides, which is what the codes are the signs of; so two cases make a query between them and
not one of the two. Its embedding, for rounds and rankings that need one, is the normalised mean of theirs.

The query is kept as words that name the cases; facts["like"] holds their ids and facts["kinds"] their modalities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.actor import Actor
from engine.errors import NotPermittedError, UsageError
from engine.modalities import MODALITIES, spec_of
from engine.store.filters import Clause
from engine.store.records import StoredQuery, StudyRow
from engine.study import Note, Study
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

MAX_CASES = 20  # cases; more are a collection, and their mean is like none of them


def chosen(workspace: Workspace, study_ids: Sequence[str], *, actor: Actor) -> list[StudyRow]:
    """Return the rows of the chosen cases, each once; UsageError where none, one is gone or a patient has withdrawn."""
    ids = list(dict.fromkeys(study_ids))
    if not 1 <= len(ids) <= MAX_CASES:
        raise UsageError(f"{len(ids)} cases are chosen: choose 1 to {MAX_CASES} whose like is to be found.")
    return [_row(workspace, study_id, actor) for study_id in ids]


def _row(workspace: Workspace, study_id: str, actor: Actor) -> StudyRow:
    try:
        return workspace.row(study_id, actor=actor)
    except NotPermittedError as error:
        withdrawn = f"The patient of study {study_id} has withdrawn consent: choose again without it."
        raise NotPermittedError(withdrawn) from error


def mean_study(rows: Sequence[StudyRow], beside: str | None) -> Study:
    """Return the query as a study; `beside` is the query among whose results the cases were chosen."""
    kinds = [kind for kind in MODALITIES if any(row.modality == kind for row in rows)]
    counts = {kind: sum(row.modality == kind for row in rows) for kind in kinds}
    said = ", ".join(f"{n} {spec_of(kind).noun}{'s' * (n > 1)}" for kind, n in counts.items())
    facts = {
        "like": [row.study_id for row in rows],
        "kinds": kinds,
        "synthetic": any(row.synthetic for row in rows),
        **({"beside": beside} if beside else {}),
    }
    words = f"More like {', '.join(row.study_id for row in rows)}"
    return Study("text", Note(words), f"the mean of {said}", facts=facts)


def encoded(workspace: Workspace, release: Release, study: Study, *, actor: Actor) -> tuple[np.ndarray, np.ndarray]:
    """Return code (32,) uint8 and embedding (256,) float32 of a mean query under a release."""
    from engine.model.packing import pack, unpack

    embeddings, projected = _parts(workspace, release, study, actor)
    votes = np.where(unpack(pack(projected > 0)), 1, -1).sum(axis=0)
    code = pack(np.where(votes != 0, votes, projected.mean(axis=0))[None] > 0)[0]
    mean = embeddings.mean(axis=0)
    return code, (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)


def projection(workspace: Workspace, release: Release, stored: StoredQuery, *, actor: Actor) -> np.ndarray:
    """Return the signed distances (256,) from each bit's threshold of any query, a mean one included."""
    if stored.study.facts.get("like"):
        found: np.ndarray = _parts(workspace, release, stored.study, actor)[1].mean(axis=0)
        return found
    return release.projections(stored.embedding[None], stored.study.modality)[0]


def exclude_patients_of(rows: Sequence[StudyRow]) -> Clause:
    """Exclude the patients of the chosen cases, and so the cases."""
    patients = sorted({row.patient_id for row in rows})
    return Clause("NOT list_contains(?, s.patient_id)", (patients,), "other patients than the chosen cases'")


def _parts(workspace: Workspace, release: Release, study: Study, actor: Actor) -> tuple[np.ndarray, np.ndarray]:
    """Return embeddings and projections, (n, 256) each, of the cases that a mean query is made of."""
    rows = chosen(workspace, study.facts["like"], actor=actor)
    embeddings = workspace.embeddings(release.name, [row.study_id for row in rows])
    made = [release.projections(one[None], row.modality)[0] for one, row in zip(embeddings, rows, strict=True)]
    return embeddings, np.stack(made)
