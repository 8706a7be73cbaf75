"""Collections: ordered, titled cases with notes. Every change is one row, on disk when its function returns.

Two people who edit one collection never overwrite each other: what they change is a case's row, not the list, and a
text is replaced only where it is still the one that was edited (`expected_text`). Nothing is deleted for good. Who sees
a collection, and whether it is deleted, is for its maker to say. Without sign-in whoever has its link may change its
cases; with accounts that is for its makers alone, and it is private until they share it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from engine.actor import Actor
from engine.errors import UsageError, brief
from engine.files import utc_now
from engine.store import collections as table
from engine.store import permission
from engine.store.acts import Act
from engine.store.collections import CollectionCase, TeachingCollection, Wording
from engine.store.quizzes import Visibility
from engine.teaching import access, input_checks
from engine.workspace.workspace import Workspace

MAX_ADDED = 500  # cases at once; more is a cohort, not a collection


@dataclass(frozen=True)
class AddedCases:
    """What `add_many` did: the studies that are new in the collection, and those that were there already."""

    new: tuple[str, ...]
    present: tuple[str, ...]


def create(workspace: Workspace, title: str, description: str = "", *, actor: Actor) -> TeachingCollection:
    """Store an empty collection."""
    permission.require(workspace.database, actor, "collect")
    collection_id = f"c-{secrets.token_hex(6)}"
    title, description = input_checks.title(title), input_checks.note(description)
    with workspace.database.write(actor, Act("collection made", about={"collection": collection_id})) as cursor:
        _insert(cursor, collection_id, title=title, description=description, actor=actor)
    return load(workspace, collection_id, actor=actor)


def listed(workspace: Workspace, *, actor: Actor) -> list[TeachingCollection]:
    """Return the collections that the actor made, has opened or that everybody may find, the newest first."""
    seen = access.sees(workspace, actor=actor)
    found = table.read_collections(workspace.database, actor.acting_for("teaching"))
    return [one for one in found if seen(one.collection_id, one.visibility)]


def load(workspace: Workspace, collection_id: str, *, actor: Actor) -> TeachingCollection:
    """Return one collection; UsageError where there is none, it was deleted, or it is private and somebody else's."""
    collection = table.find(workspace.database, actor.acting_for("teaching"), collection_id)
    if collection is None or not access.may_open(workspace, collection_id, collection.visibility, actor=actor):
        raise UsageError("There is no such collection in this workspace: it was deleted, or its link is incomplete.")
    return collection


def may_change(workspace: Workspace, collection_id: str, *, actor: Actor) -> bool:
    """Return whether the actor may change the cases and words of a collection that it may open."""
    return not actor.signed_in or access.is_maker(workspace, collection_id, actor=actor)


def items(workspace: Workspace, collection_id: str, *, actor: Actor) -> list[CollectionCase]:
    """Return the cases that the actor may see, in order; raises as `load`."""
    load(workspace, collection_id, actor=actor)
    return table.read_cases(workspace.database, actor.acting_for("teaching"), collection_id)


def rename(
    workspace: Workspace, collection_id: str, title: str, expected_text: str | None = None, *, actor: Actor
) -> None:
    """Change the title; UsageError where it is no longer `expected_text`."""
    _reword(workspace, collection_id, "title", input_checks.title(title), expected_text, actor=actor)


def describe(
    workspace: Workspace, collection_id: str, description: str, expected_text: str | None = None, *, actor: Actor
) -> None:
    """Change the description; UsageError where it is no longer `expected_text`."""
    _reword(workspace, collection_id, "description", input_checks.note(description), expected_text, actor=actor)


def note(
    workspace: Workspace,
    collection_id: str,
    study_id: str,
    text: str,
    expected_text: str | None = None,
    *,
    actor: Actor,
) -> None:
    """Change the note about a case; UsageError where it is no longer `expected_text`."""
    text = input_checks.note(text)
    with _changing(workspace, collection_id, actor, "note", study_id) as cursor:
        input_checks.unchanged(_note_of(cursor, collection_id, study_id), expected_text, text)
        table.set_case_note(cursor, collection_id, study_id, text)


def add(
    workspace: Workspace,
    collection_id: str,
    study_id: str,
    *,
    actor: Actor,
    query_id: str | None = None,
    note: str = "",
) -> bool:
    """Put a case at the end; False where it is there already. One that was removed comes back with its note."""
    note = input_checks.note(note)
    with _changing(workspace, collection_id, actor, "case added", study_id) as cursor:
        _check_permitted(workspace, actor, [study_id])
        return _append(cursor, collection_id, study_id, note=note, query_id=query_id)


def add_many(
    workspace: Workspace, collection_id: str, study_ids: Sequence[str], *, actor: Actor, query_id: str | None = None
) -> AddedCases:
    """Put cases at the end in their order, all or none; `remove_many` with what is new undoes it.

    Raises UsageError where one of them may not be shown, or where there are more than MAX_ADDED.
    """
    wanted = list(dict.fromkeys(study_ids))
    if not 1 <= len(wanted) <= MAX_ADDED:
        raise UsageError(f"{len(wanted)} cases are chosen: add 1 to {MAX_ADDED} at once, nothing was changed.")
    with _changing(workspace, collection_id, actor, "cases added", *wanted) as cursor:
        _check_permitted(workspace, actor, wanted)
        new = [one for one in wanted if _append(cursor, collection_id, one, note="", query_id=query_id)]
    return AddedCases(tuple(new), tuple(one for one in wanted if one not in new))


def remove_many(workspace: Workspace, collection_id: str, study_ids: Sequence[str], *, actor: Actor) -> None:
    """Take cases out, those that are still there."""
    with _changing(workspace, collection_id, actor, "cases taken out", *study_ids) as cursor:
        for study_id in study_ids:
            if table.case_note(cursor, collection_id, study_id) is not None:
                table.set_removed(cursor, collection_id, study_id, utc_now())


def remove(workspace: Workspace, collection_id: str, study_id: str, *, actor: Actor) -> None:
    """Take a case out; `restore` brings it back to its position."""
    with _changing(workspace, collection_id, actor, "case taken out", study_id) as cursor:
        _note_of(cursor, collection_id, study_id)  # refuses what is not there
        table.set_removed(cursor, collection_id, study_id, utc_now())


def restore(workspace: Workspace, collection_id: str, study_id: str, *, actor: Actor) -> None:
    """Undo `remove`: the case is back in its position with its note."""
    with _changing(workspace, collection_id, actor, "case put back", study_id) as cursor:
        table.set_removed(cursor, collection_id, study_id, None)


def move(workspace: Workspace, collection_id: str, study_id: str, by: int, *, actor: Actor) -> None:
    """Exchange a case with the shown one before it (by = -1) or after it (by = 1); nothing at either end."""
    with _changing(workspace, collection_id, actor, "order", study_id) as cursor:
        order = table.read_positions(workspace.database, actor.acting_for("teaching"), collection_id)
        index = next((i for i, (one, _) in enumerate(order) if one == study_id), None)
        if index is None or not 0 <= index + by < len(order):
            return
        (_, position), (other_id, other_position) = order[index], order[index + by]
        table.set_position(cursor, collection_id, study_id, other_position)
        table.set_position(cursor, collection_id, other_id, position)


def duplicate(workspace: Workspace, collection_id: str, title: str, *, actor: Actor) -> TeachingCollection:
    """Store a copy with all its cases, the hidden ones too, and notes, under another title."""
    original = load(workspace, collection_id, actor=actor)
    permission.require(workspace.database, actor, "collect")
    new_id, title = f"c-{secrets.token_hex(6)}", input_checks.title(title)
    with workspace.database.write(
        actor, Act("collection made", about={"collection": new_id, "copy_of": collection_id})
    ) as cursor:
        _insert(cursor, new_id, title=title, description=original.description, actor=actor)
        table.copy_cases(cursor, collection_id, new_id)
    return load(workspace, new_id, actor=actor)


def delete(workspace: Workspace, collection_id: str, *, actor: Actor) -> None:
    """Take a collection off the list; `undelete` brings it back as it was. For its makers, where it has any."""
    _check_maker(workspace, collection_id, actor)
    with workspace.database.write(actor, Act("collection deleted", about={"collection": collection_id})) as cursor:
        table.set_deleted(cursor, collection_id, utc_now())


def undelete(workspace: Workspace, collection_id: str, *, actor: Actor) -> None:
    """Undo `delete`."""
    _check_maker(workspace, collection_id, actor)
    with workspace.database.write(
        actor, Act("collection changed", about={"collection": collection_id, "change": "put back"})
    ) as cursor:
        table.set_deleted(cursor, collection_id, None)


def set_visibility(workspace: Workspace, collection_id: str, visibility: Visibility, *, actor: Actor) -> None:
    """Change who finds a collection. For makers alone."""
    _require_maker(workspace, collection_id, actor)
    input_checks.visibility(visibility)
    with workspace.database.write(
        actor, Act("collection changed", about={"collection": collection_id, "visibility": visibility})
    ) as cursor:
        table.set_visibility(cursor, collection_id, visibility)


def _insert(
    cursor: duckdb.DuckDBPyConnection, collection_id: str, *, title: str, description: str, actor: Actor
) -> None:
    """Append an empty collection of the actor's; of an account it is private until it is shared."""
    table.insert(cursor, collection_id, title=title, description=description, who=actor.name)
    if actor.signed_in:
        table.set_visibility(cursor, collection_id, "private")
    access.grant_maker(cursor, collection_id, actor)


def _check_maker(workspace: Workspace, collection_id: str, actor: Actor) -> None:
    if actor.signed_in or access.has_maker(workspace, collection_id):
        _require_maker(workspace, collection_id, actor)


def _require_maker(workspace: Workspace, collection_id: str, actor: Actor) -> None:
    """Raise NotPermittedError unless the actor is a maker; as `load` where it may not even know of the collection."""
    if not access.is_maker(workspace, collection_id, actor=actor):
        load(workspace, collection_id, actor=actor)
        access.require_maker(workspace, collection_id, actor=actor)


@contextmanager
def _changing(
    workspace: Workspace, collection_id: str, actor: Actor, change: str, *study_ids: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the transaction in which the actor changes a collection; UsageError where it may not, or there is none.

    change : what is changed, for the audit; study_ids : of which cases
    """
    if not may_change(workspace, collection_id, actor=actor):
        _require_maker(workspace, collection_id, actor)
    act = Act("collection changed", returned=study_ids, about={"collection": collection_id, "change": change})
    with workspace.database.write(actor, act) as cursor:
        seen_by = table.visibility(cursor, collection_id)
        if seen_by is None or not access.may_open(workspace, collection_id, seen_by, actor=actor):
            raise UsageError("The collection was deleted meanwhile: undo that, or choose another one.")
        yield cursor


def _reword(
    workspace: Workspace, collection_id: str, column: Wording, text: str, expected_text: str | None, *, actor: Actor
) -> None:
    with _changing(workspace, collection_id, actor, column) as cursor:
        input_checks.unchanged(table.wording(cursor, collection_id, column), expected_text, text)
        table.set_wording(cursor, collection_id, column, text)


def _check_permitted(workspace: Workspace, actor: Actor, study_ids: Sequence[str]) -> None:
    permitted = permission.permitted_ids(workspace.database, actor.acting_for("teaching"), study_ids)
    for study_id in study_ids:
        if study_id not in permitted:
            raise UsageError(
                f"There is no study {brief(study_id)} that may be shown: take an id from a search result of this "
                "workspace."
            )


def _append(
    cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str, *, note: str, query_id: str | None
) -> bool:
    """Put a case at the end; False where it is there already. One that was removed comes back with its note."""
    removed = table.is_removed(cursor, collection_id, study_id)
    if removed is None:
        table.insert_case(cursor, collection_id, study_id, note=note, query_id=query_id)
    elif removed:
        table.restore_at_end(cursor, collection_id, study_id)
    return removed is not False


def _note_of(cursor: duckdb.DuckDBPyConnection, collection_id: str, study_id: str) -> str:
    text = table.case_note(cursor, collection_id, study_id)
    if text is None:
        raise UsageError("The case was removed from this collection meanwhile: add it again to change it.")
    return text
