"""Cases that are easily taken for one another: nearest by retrieval, of the same modality, and labelled otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Neighbour, Options
from engine.store.filters import Filters
from engine.study import Modality
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release


def confusable(
    workspace: Workspace,
    release: Release,
    study_id: str,
    modality: Modality,
    labels: tuple[str, ...],
    *,
    actor: Actor,
    k: int = 5,
) -> tuple[Neighbour, ...]:
    """Return the k nearest studies of `modality` that carry labels, none of them of `labels`, of other patients.

    The search is audited like any other. Raises UsageError where the study is gone or its patient has withdrawn.
    """
    options = Options(targets=(modality,), k=k, filters=Filters(labels_not=labels))
    return retrieval.search_stored(workspace, release, study_id, options, actor=actor).neighbours
