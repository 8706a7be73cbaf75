"""Keeping the accounts of a workspace, for administrators; and what the policies let somebody see, for officers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.access import accounts, sessions
from engine.access.sessions import Session
from engine.actor import ADMINISTRATOR, SINGLE_USER, USES, Actor
from engine.errors import UsageError
from engine.store import permission
from engine.store.classes import Attributes, counted, read_classes
from engine.store.people import Account, People
from engine.store.rule import ACTS, Act
from engine.workspace.workspace import Workspace


@dataclass(frozen=True)
class ClassLine:
    """A class of studies in a trial: how many they are, whether they are seen, and by which policies."""

    attributes: Attributes
    studies: int
    is_seen: bool
    policies: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """What somebody would see and do. acts: act → the policies that permit it, of the permitted ones

    unnamed: the acts that no policy permits anybody
    """

    classes: tuple[ClassLine, ...]
    acts: dict[Act, tuple[str, ...]]
    unnamed: tuple[Act, ...]


def listed(workspace: Workspace, people: People, *, actor: Actor) -> list[Account]:
    """Return all accounts by name; NotPermittedError where the actor neither keeps accounts nor reads the record."""
    if not permission.may(workspace.database, actor, "people"):
        permission.require(workspace.database, actor, "record")
    return people.accounts()


def open_sessions(workspace: Workspace, people: People, *, actor: Actor) -> list[Session]:
    """Return who is signed in now, the one used last first; raises as `listed`."""
    listed(workspace, people, actor=actor)
    found = [sessions.of_stored(one) for one in people.sessions()]
    return [one for one in found if one.ends_in > 0]


def add(
    workspace: Workspace,
    people: People,
    name: str,
    roles: Sequence[str],
    attributes: Mapping[str, str],
    *,
    actor: Actor,
) -> str:
    """Add an account; return the token of its one-time link."""
    permission.require(workspace.database, actor, "people")
    known = {key: value.strip() for key, value in attributes.items() if value.strip()}
    return accounts.add(people, name.strip().lower(), roles, known, actor=actor)


def new_link(workspace: Workspace, people: People, name: str, *, actor: Actor) -> str:
    """Return the token of a new one-time link; earlier ones are void."""
    permission.require(workspace.database, actor, "people")
    return accounts.new_link(people, name, actor=actor)


def set_roles(workspace: Workspace, people: People, name: str, roles: Sequence[str], *, actor: Actor) -> None:
    """Give an account other roles; UsageError where no administrator would be left."""
    permission.require(workspace.database, actor, "people")
    if ADMINISTRATOR not in roles:
        _check_administrator_left(people, name)
    accounts.set_roles(people, name, roles, actor=actor)


def close(workspace: Workspace, people: People, name: str, *, actor: Actor) -> None:
    """Close an account; UsageError where no administrator would be left."""
    permission.require(workspace.database, actor, "people")
    _check_administrator_left(people, name)
    accounts.close(people, name, actor=actor)


def end_session(workspace: Workspace, people: People, number: str, *, actor: Actor) -> None:
    """End somebody's session: the next click is at the sign-in."""
    permission.require(workspace.database, actor, "people")
    sessions.end_by(people, number, actor)


def try_out(
    workspace: Workspace, roles: Sequence[str], attributes: Mapping[str, str], use: str, *, actor: Actor
) -> Trial:
    """Return what somebody with these roles and attributes would see and do for a purpose; nothing is recorded of it.

    Raises UsageError for an unknown role or purpose, NotPermittedError where the actor may not read the record.
    """
    permission.require(workspace.database, actor, "record")
    purpose = next((one for one in USES if one == use), None)
    if purpose is None:
        raise UsageError(f"There is no purpose {use!r}: use {', '.join(USES)}.")
    known = tuple(sorted((key, value.strip()) for key, value in attributes.items() if value.strip()))
    somebody = Actor("somebody", roles=accounts.check_roles(roles), attributes=known, signed_in=True)
    somebody = replace(somebody, use=purpose, reason="stated" if purpose == "emergency" else "")
    decided, number = workspace.policies.decided(somebody), counted(workspace.database)
    lines = tuple(
        ClassLine(
            attributes,
            number[class_id],
            decided.classes is None or class_id in decided.classes,
            decided.why.get(class_id, ()),
        )
        for class_id, attributes in read_classes(workspace.database).items()
        if class_id in number
    )
    acts = {act: decided.why.get(act, ()) for act in ACTS if act in decided.acts}
    return Trial(lines, acts, workspace.policies.policies().unnamed)


def _check_administrator_left(people: People, name: str) -> None:
    others = [one for one in people.accounts() if one.name not in (name, SINGLE_USER) and one.closed_at is None]
    account = people.account(name)
    is_one = account is not None and account.closed_at is None and ADMINISTRATOR in account.roles
    if is_one and not any(ADMINISTRATOR in one.roles for one in others):
        raise UsageError("Somebody must stay administrator: give another account that role first.")
