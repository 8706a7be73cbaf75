"""Where a finding is on a film: regions that the maker drew, as boxes in shares of the film, and reference findings."""

from __future__ import annotations

from collections.abc import Sequence

from engine.actor import Actor
from engine.annotation import Annotation
from engine.measure import FilmCanvas
from engine.reference import of_label
from engine.store.quizzes import Candidate, Region
from engine.workspace.annotations import annotations_on, canvas_of_study
from engine.workspace.workspace import Workspace


def of_films(workspace: Workspace, candidates: Sequence[Candidate], *, actor: Actor) -> dict[str, Region]:
    """Return study id → the box around the last region that the actor drew on a film, of those that have one."""
    films = [one.study_id for one in candidates if one.modality == "cxr"]
    drawn = [one for one in annotations_on(workspace, films, actor=actor, of=actor.name) if one.kind == "region"]
    return {one.study_id: _box(workspace, one, actor) for one in drawn}


def placed_labels(candidate: Candidate) -> tuple[str, ...]:
    """Return the labels of a film that may be asked for and whose findings have a place on it, known for sure."""
    return tuple(label for label in candidate.asked_labels if of_label(candidate.reference, label))


def _box(workspace: Workspace, region: Annotation, actor: Actor) -> Region:
    canvas = canvas_of_study(workspace, region.study_id, actor=actor)
    assert isinstance(canvas, FilmCanvas)
    columns, rows = zip(*region.points, strict=True)
    return (
        min(columns) / canvas.columns,
        min(rows) / canvas.rows,
        max(columns) / canvas.columns,
        max(rows) / canvas.rows,
    )
