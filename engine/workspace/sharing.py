"""A stored query that whoever asked it lets others open, and no longer; each is an act."""

from __future__ import annotations

from engine.actor import Actor
from engine.store import queries
from engine.store.acts import Act
from engine.workspace.workspace import Workspace


def share(workspace: Workspace, query_id: str, *, actor: Actor) -> None:
    """Let others open a query of the actor; UsageError where it is somebody else's."""
    with workspace.database.recording(actor, Act("shared", query_id=query_id)):
        queries.share(workspace.database, query_id, actor.name)


def end_sharing(workspace: Workspace, query_id: str, *, actor: Actor) -> None:
    """Let nobody else open a query of the actor any more; marks on it stay."""
    with workspace.database.recording(actor, Act("sharing ended", query_id=query_id)):
        queries.end_sharing(workspace.database, query_id, actor.name)
