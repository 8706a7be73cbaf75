"""Deleting queries: what somebody asked, with everything that hangs on it.

Bytes of deleted rows stay in the database until it is written anew, by `casebind retain` or an erasure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.actor import Actor
from engine.errors import UsageError
from engine.store import places
from engine.store.acts import Act, note
from engine.store.places import Targets
from engine.store.workspace_files import query_owner
from engine.workspace.erasure import Storage
from engine.workspace.workspace import Workspace

DUE = "rewrite-due"  # beside the database while bytes of deleted rows are in it
NO_SUCH = "There is no such query of yours: it was deleted, or it is somebody else's."


def is_own(workspace: Workspace, query_id: str, *, actor: Actor) -> bool:
    """Say whether an id is that of a stored query that the actor may delete."""
    return any(actor.may_open(who) for _, who in places.owners_of(workspace.database, [query_id]))


def delete_queries(workspace: Workspace, query_ids: Sequence[str], *, actor: Actor) -> dict[str, int]:
    """Delete queries of the actor with their files and everything that hangs on them; return table → rows deleted.

    Raises UsageError where one is not there or not the actor's; then none is deleted.
    """
    owners = dict(places.owners_of(workspace.database, query_ids))
    if not query_ids or any(one not in owners or not actor.may_open(owners[one]) for one in query_ids):
        raise UsageError(NO_SUCH)
    return remove_queries(workspace.storage, query_ids, Act("query deleted"), actor)


def what_hangs_on(workspace: Workspace, query_ids: Sequence[str], tables: Collection[str]) -> dict[str, int]:
    """Return table → rows that are deleted with queries, of some tables."""
    return places.counts(workspace.database, Targets(queries=tuple(query_ids)), tables)


def own_queries(workspace: Workspace, *, actor: Actor) -> list[str]:
    """Return the ids of all queries that the actor asked."""
    return places.queries_of(workspace.database, actor.name)


def remove_queries(storage: Storage, query_ids: Sequence[str], act: Act, actor: Actor) -> dict[str, int]:
    """Delete queries, whoever asked them, and note an act for each; return table → rows deleted."""
    with storage.database.exclusive():
        files = places.files_of_queries(storage.database, query_ids)
        gone = Targets(queries=tuple(query_ids), query_files=files)
        counted = places.counts(storage.database, gone)
        (storage.path / DUE).touch()
        with storage.database.write() as cursor:
            places.delete(cursor, gone)
            for one in query_ids:
                note(cursor, actor, Act(act.kind, query_id=one, about=act.about))
    storage.files.delete(storage.files.queries / file for file in files)
    storage.files.destroy(query_owner(one) for one in query_ids)
    return counted


def write_anew(storage: Storage) -> bool:
    """Write the database anew where rows were deleted since that was done last; return whether it was."""
    if not (storage.path / DUE).exists():
        return False
    storage.database.rewrite()
    (storage.path / DUE).unlink(missing_ok=True)
    return True
