"""Who may do what with quizzes and collections. A person with an account is known by it, anybody else by the browser.

A maker has a key, which a link carries; the record holds its hash alone. The browser in which a quiz or collection was
made, and every browser that opened the maker's link, may read its answers and results, change and delete it. A browser
that opened a quiz is a learner's: until it has answered them, the cases of the quiz are out of its sight everywhere.
An actor without account and session acts on the machine itself, as the command line does, and may do everything.
With accounts a quiz or collection belongs to whoever made it: others see it as its maker shares it, and change nothing.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import duckdb

from engine.actor import Actor
from engine.errors import NotPermittedError
from engine.files import utc_now
from engine.store import teaching_rights as table
from engine.store.acts import Act
from engine.store.quizzes import Visibility
from engine.workspace.workspace import Workspace


def made(workspace: Workspace, *, actor: Actor) -> Callable[[str], bool]:
    """Return what says of a quiz or collection whether the actor made it, or was let in by its maker's link."""
    if not actor.session and not actor.signed_in:
        return lambda subject_id: True
    let_in = table.subjects(workspace.database, actor.session, "make") if actor.session else frozenset()
    own = table.made_by(workspace.database, actor.owners) if actor.signed_in else frozenset()
    return (let_in | own).__contains__


def is_maker(workspace: Workspace, subject_id: str, *, actor: Actor) -> bool:
    """Return whether the actor made a quiz or collection, or was let in by its maker's link."""
    return made(workspace, actor=actor)(subject_id)


def require_maker(workspace: Workspace, subject_id: str, *, actor: Actor) -> None:
    """Raise NotPermittedError unless the actor is a maker."""
    if not is_maker(workspace, subject_id, actor=actor):
        raise NotPermittedError("This is for whoever made it: open your maker's link in this browser first.")


def has_maker(workspace: Workspace, subject_id: str) -> bool:
    """Return whether anybody is known to have made something; of earlier versions nobody is."""
    return table.has_maker(workspace.database, subject_id)


def grant_maker(cursor: duckdb.DuckDBPyConnection, subject_id: str, actor: Actor) -> None:
    """Note in a transaction that the actor is a maker, where it has a session to be known by."""
    if actor.session:
        table.grant(cursor, subject_id, actor.session, "make")


def new_key(workspace: Workspace, subject_id: str, *, actor: Actor) -> str:
    """Return a new key for the maker's link; the earlier one lets nobody in any more, whoever is in stays."""
    require_maker(workspace, subject_id, actor=actor)
    key = secrets.token_urlsafe(24)
    with workspace.database.write(
        actor, Act("maker's link", about={"subject": subject_id, "change": "made"})
    ) as cursor:
        table.set_key(cursor, subject_id, _hash(key), utc_now())
    return key


def enter(workspace: Workspace, subject_id: str, key: str, *, actor: Actor) -> None:
    """Let the actor in as a maker by the key of a maker's link; NotPermittedError where it is another one."""
    expected = table.key_hash(workspace.database, subject_id)
    if expected is None or not hmac.compare_digest(expected, _hash(key)):
        raise NotPermittedError("This maker's link is incomplete or was replaced by a newer one: ask for that.")
    with workspace.database.write(
        actor, Act("maker's link", about={"subject": subject_id, "change": "entered"})
    ) as cursor:
        grant_maker(cursor, subject_id, actor)


def note_visitor(workspace: Workspace, subject_id: str, *, actor: Actor) -> None:
    """Note that the actor has opened a quiz, as its learner, or a collection; it stands in their list from now on."""
    if actor.session and subject_id not in table.subjects(workspace.database, actor.session, "learn"):
        with workspace.database.write() as cursor:
            table.grant(cursor, subject_id, actor.session, "learn")


def as_learner(workspace: Workspace, *, actor: Actor) -> Actor:
    """Return the actor from whom the cases of quizzes that are open to it are withheld."""
    if not actor.session:
        return actor
    return replace(actor, withheld=table.withheld_encounters(workspace.database, actor.session))


def sees(workspace: Workspace, *, actor: Actor) -> Callable[[str, Visibility], bool]:
    """Return what says of a quiz's or collection's id and visibility whether the actor sees it in a list."""
    own = made(workspace, actor=actor)
    opened = table.subjects(workspace.database, actor.session, "learn") if actor.session else frozenset()
    return lambda subject_id, visibility: (
        own(subject_id) or visibility == "everybody" or (visibility == "link" and subject_id in opened)
    )


def may_open(workspace: Workspace, subject_id: str, visibility: Visibility, *, actor: Actor) -> bool:
    """Return whether the actor may open a quiz or collection by its link."""
    return visibility != "private" or is_maker(workspace, subject_id, actor=actor)


def _hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()
