"""Accounts of a workspace: adding them, one-time links that set a password, roles, closing."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256

from engine.access import passwords
from engine.actor import SINGLE_USER, Actor
from engine.errors import UsageError, brief
from engine.store import provider_people
from engine.store.people import Account, People
from engine.strings import text

ROLES = ("learner", "teacher", "clinician", "rater", "curator", "privacy-officer", "administrator")
LINK_LASTS_S = 3 * 24 * 3600
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
ATTRIBUTE = re.compile(r"[a-z][a-z_]{0,31}")


def digest(token: str) -> str:
    """Return what is kept of a link or cookie: its SHA-256 as hex."""
    return sha256(token.encode()).hexdigest()


def add(people: People, name: str, roles: Sequence[str], attributes: Mapping[str, str], *, actor: Actor) -> str:
    """Add an account; return the token of the link that sets its password. UsageError where it cannot be."""
    _check_name(name)
    checked = check_roles(roles)
    for key in attributes:
        if not ATTRIBUTE.fullmatch(key):
            raise UsageError(f"{brief(key)!r} is no name of an attribute; take letters and underscores.")
    if not people.add(name, checked, attributes, time.time(), actor=actor):
        raise UsageError(f"There is an account {name!r} already; take another name, or `casebind users open` it.")
    return new_link(people, name, actor=actor)


def new_link(people: People, name: str, *, actor: Actor) -> str:
    """Return the token of a new one-time link for an account; earlier ones are void. UsageError where it is closed."""
    _of_workspace(people, name)
    token = secrets.token_urlsafe(32)
    people.add_link(digest(token), name, time.time() + LINK_LASTS_S, time.time(), actor=actor)
    return token


def find(people: People, name: str) -> Account:
    """Return an open account; UsageError where there is none of this name."""
    account = people.account(name)
    if account is None or account.closed_at is not None:
        state = "no account" if account is None else "a closed account"
        raise UsageError(f"There is {state} {brief(name)!r}; `casebind users list` shows all.")
    return account


def set_roles(people: People, name: str, roles: Sequence[str], *, actor: Actor) -> None:
    """Give an open account other roles; UsageError where there is none, or a role is unknown."""
    _of_workspace(people, name)
    people.set_roles(name, check_roles(roles), actor=actor)


def check_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """Return the roles once each, in their order; UsageError for an unknown one, or for none."""
    for role in roles:
        if role not in ROLES:
            raise UsageError(f"{brief(role)!r} is no role; roles are {', '.join(ROLES)}.")
    if not roles:
        raise UsageError(f"An account needs a role; roles are {', '.join(ROLES)}.")
    return tuple(role for role in ROLES if role in roles)


def set_password(people: People, token: str, password: str) -> str:
    """Set the password by a one-time link and return the account's name; UsageError where link or password is bad."""
    name = link_is_for(people, token)
    kept = passwords.hashed(passwords.check_choice(password, name))
    used = people.use_link(digest(token), kept, time.time())
    if used is None:
        raise UsageError(text("sign_in.bad_link"))
    return used


def link_is_for(people: People, token: str) -> str:
    """Return whose password a one-time link sets; UsageError where it is used, expired or unknown."""
    name = people.link_is_for(digest(token), time.time())
    if name is None:
        raise UsageError(text("sign_in.bad_link"))
    return name


def close(people: People, name: str, *, actor: Actor) -> None:
    """Close an account: its sessions end, its links are void, its name stays taken."""
    find(people, name)
    people.close_account(name, time.time(), actor=actor)


def reopen(people: People, name: str, *, actor: Actor) -> str:
    """Open a closed account; return the token of a link that sets a new password, "" where a provider asks for it."""
    account = people.account(name)
    if account is None or account.closed_at is None:
        raise UsageError(f"There is no closed account {brief(name)!r}; `casebind users list` shows all.")
    people.reopen_account(name, actor=actor)
    return "" if account.issuer else new_link(people, name, actor=actor)


def join(people: People, name: str, comes_as: str, *, actor: Actor) -> None:
    """Let somebody who comes from a provider as one account go on as the account of this workspace that was theirs.

    UsageError where the first is none of a provider's, or the other none of this workspace's.
    """
    _of_workspace(people, name)
    known = find(people, comes_as)
    if not known.issuer:
        raise UsageError(
            f"{brief(comes_as)!r} comes from no provider; `casebind users list` says where people come from."
        )
    provider_people.join(people, name, known, time.time(), actor=actor)


def _of_workspace(people: People, name: str) -> None:
    """Raise UsageError where an open account is not this workspace's own."""
    if issuer := find(people, name).issuer:
        raise UsageError(f"{brief(name)!r} comes from {issuer}; what it may do is changed there, by its groups.")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or name == SINGLE_USER:
        raise UsageError(
            f"{brief(name)!r} is no name of an account; take up to 64 small letters, digits, dots and hyphens."
        )
