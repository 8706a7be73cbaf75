"""Searches that somebody keeps under a name, and the queries that somebody asked; each person sees their own."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store import searches
from engine.store.acts import Act
from engine.store.ratings import printable
from engine.store.searches import PastQuery, SavedSearch
from engine.workspace.workspace import Workspace

MAX_NAME, MAX_ADDRESS, MAX_SEARCHES = 120, 4000, 500  # characters, characters, searches of one person
HISTORY = 12  # queries that are listed


def save_search(workspace: Workspace, name: str, address: str, *, actor: Actor) -> SavedSearch:
    """Keep a view under a name; it is on disk when this returns. The same view once more takes the new name.

    address : what stands behind the question mark of the search page, with a query in it
    Raises UsageError where name or address cannot stand, or too many are kept.
    """
    name, address = _checked(name), address.lstrip("?")
    asked = [value for key, value in parse_qsl(address) if key == "query"]
    if len(asked) != 1 or len(address) > MAX_ADDRESS:
        raise UsageError("This view cannot be kept: its address names no query, or it is too long.")
    if len(saved_searches(workspace, actor=actor)) >= MAX_SEARCHES:
        raise UsageError(f"{MAX_SEARCHES} searches are saved: delete one of them first.")
    made = SavedSearch(f"s-{secrets.token_hex(6)}", actor.name, name, address, utc_now())
    with workspace.database.recording(actor, Act("search saved", query_id=asked[0])):
        return searches.write_search(workspace.database, made)


def saved_searches(workspace: Workspace, *, actor: Actor) -> list[SavedSearch]:
    """Return the actor's saved searches, the newest first."""
    return searches.read_searches(workspace.database, actor.name)


def rename_search(workspace: Workspace, search_id: str, name: str, *, actor: Actor) -> None:
    """Give a saved search another name; UsageError where it is not the actor's or was deleted."""
    with workspace.database.recording(actor, Act("search renamed", about={"search": search_id})):
        is_there = searches.rename_search(workspace.database, search_id, actor.name, _checked(name))
    if not is_there:
        raise UsageError("There is no such saved search any more: it was deleted.")


def delete_search(workspace: Workspace, search_id: str, *, actor: Actor) -> SavedSearch | None:
    """Delete a saved search of the actor; return it, so that saving it again undoes this."""
    with workspace.database.recording(actor, Act("saved search deleted", about={"search": search_id})):
        return searches.remove_search(workspace.database, search_id, actor.name)


def past_queries(workspace: Workspace, limit: int = HISTORY, *, actor: Actor) -> list[PastQuery]:
    """Return the newest queries that the actor asked and may see, newest first."""
    return searches.read_past_queries(workspace.database, workspace.files, actor, limit)


def _checked(name: str) -> str:
    name = " ".join(printable(name).split())
    if not name:
        raise UsageError("The search has no name: type one, nothing was changed.")
    if len(name) > MAX_NAME:
        raise UsageError(f"The name has {len(name)} characters and {MAX_NAME} fit: shorten it, nothing was changed.")
    return name
