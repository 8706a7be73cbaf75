"""Cases that are easily taken for one another: nearest by retrieval, of the same modality, and labelled otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Neighbour, Options
from engine.store.filters import Clause, Filters
from engine.study import Modality
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release


@dataclass(frozen=True)
class Otherwise(Filters):
    """Filters that let only studies through which carry labels, none of them one of `none_of`."""

    none_of: tuple[str, ...] = ()

    def clauses(self) -> list[Clause]:
        """Return the conditions that are in force."""
        sql = "(len(s.labels) > 0 AND NOT list_has_any(s.labels, ?))"
        said = f"labelled otherwise than {' or '.join(self.none_of)}"
        return [*super().clauses(), Clause(sql, (list(self.none_of),), said)]


def confusable(
    workspace: Workspace,
    release: Release,
    study_id: str,
    modality: Modality,
    labels: tuple[str, ...],
    *,
    k: int = 5,
    who: str = "local",
) -> tuple[Neighbour, ...]:
    """Return the k nearest studies of `modality` that carry none of `labels`, of other patients who consent.

    The search is audited like any other. Raises UsageError where the study is gone or its patient has withdrawn.
    """
    options = Options(targets=(modality,), k=k, filters=Otherwise(none_of=labels))
    return retrieval.search_stored(workspace, release, study_id, options, actor=Actor(who)).neighbours
