"""Annotations of a workspace: who draws on a study or a stored query must be allowed to see it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.actor import Actor
from engine.annotation import Annotation, from_json
from engine.annotation_check import AnnotationCheck, check_annotations
from engine.errors import UsageError
from engine.measure import Canvas, FilmCanvas
from engine.reference import findings_in
from engine.store import permission, queries
from engine.store.acts import Act
from engine.store.annotations import read_annotations, remove_annotations, write_annotations
from engine.store.content import load_canvas
from engine.workspace.workspace import Workspace

MAX_AT_ONCE = 300


def save_annotations(workspace: Workspace, study_id: str, given: Sequence[object], *, actor: Actor) -> list[Annotation]:
    """Write what the actor drew on a study or stored query; return it in its order, checked and measured.

    given : in the JSON form of engine.annotation; one with a known id takes the place of the earlier one
    All of it or none is on disk when this returns; the same once more changes nothing.
    Raises UsageError where one cannot stand, NotPermittedError where the study or an annotation is not the actor's.
    """
    author = actor.name.strip()
    if not author:
        raise UsageError("The annotation has no author: say who you are, then draw.")
    if len(given) > MAX_AT_ONCE:
        raise UsageError(f"{len(given)} annotations came at once and {MAX_AT_ONCE} are taken: send fewer.")
    canvas = canvas_of_study(workspace, study_id, actor=actor)
    checked = [from_json(one, canvas, study_id=study_id, author=author) for one in given]
    with workspace.database.recording(
        actor, Act("annotated", returned=(study_id,), about={"annotations": len(checked)})
    ):
        return write_annotations(workspace.database, checked)


def delete_annotations(workspace: Workspace, annotation_ids: Sequence[str], *, actor: Actor) -> list[Annotation]:
    """Delete what the actor drew; return what was deleted, which `save` takes back as `to_json` gives it.

    An id that is not there is left aside, with accounts somebody else's too. Without, that raises NotPermittedError.
    """
    author = actor.name.strip()
    with workspace.database.recording(actor, Act("annotation deleted", about={"annotations": list(annotation_ids)})):
        return remove_annotations(workspace.database, list(annotation_ids), author, own_alone=actor.signed_in)


def annotations_on(
    workspace: Workspace, study_ids: Sequence[str], *, actor: Actor, of: str | None = None, shared_by: str = ""
) -> list[Annotation]:
    """Return what was drawn on those of the studies or stored queries that the actor may see, oldest first.

    of        : the author; everybody's without
    shared_by : an author who shows the actor what was drawn, as the maker of a collection does
    With accounts anybody else's stays out.
    """
    found = read_annotations(workspace.database, sorted(_visible(workspace, study_ids, actor)), of)
    return [one for one in found if actor.may_open(one.author, shared=one.author == shared_by)]


def checks_on(workspace: Workspace, study_id: str, *, actor: Actor) -> list[AnnotationCheck]:
    """Return the actor's annotations on a film beside what is known for sure of its findings; raises as
    `Workspace.row`.
    """
    findings = findings_in(workspace.row(study_id, actor=actor).extra)
    drawn = annotations_on(workspace, [study_id], actor=actor, of=actor.name) if findings else []
    canvas = canvas_of_study(workspace, study_id, actor=actor) if drawn else None
    return check_annotations(drawn, findings, canvas) if isinstance(canvas, FilmCanvas) else []


def canvas_of_study(workspace: Workspace, study_id: str, *, actor: Actor) -> Canvas:
    """Return where on a study or stored query can be drawn; raises as `Workspace.row`, UsageError for a text."""
    asked = queries.sources(workspace.database, actor, [study_id])
    if study_id not in asked:
        return load_canvas(workspace.files, workspace.studies_folder / workspace.row(study_id, actor=actor).file)
    file, _ = asked[study_id]
    if not _visible(workspace, [study_id], actor):
        workspace.query(study_id, actor=actor)  # says why
    return load_canvas(workspace.files, workspace.queries_folder / file)


def _visible(workspace: Workspace, study_ids: Sequence[str], actor: Actor) -> frozenset[str]:
    """Return those of the studies and stored queries that the actor may see."""
    asked = {one: patient for one, (_, patient) in queries.sources(workspace.database, actor, study_ids).items()}
    patients = {patient for patient in asked.values() if patient}
    refused = permission.refused_patients(workspace.database, actor, patients) if patients else frozenset()
    seen = frozenset(one for one, patient in asked.items() if patient not in refused)
    return seen | permission.permitted_ids(workspace.database, actor, study_ids)
