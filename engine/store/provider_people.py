"""People who come from a hospital's own provider, and their sessions, in people.db.

A person is known by the provider's address and the name that the provider keeps for it (issuer and subject), never by
e-mail. The account's name is taken from the provider at the first sign-in and stays: what somebody makes carries it.
Roles and attributes are what the provider said last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from engine.actor import SINGLE_USER, Actor
from engine.store.acts import Act, note_in_people
from engine.store.audit_file import SYSTEM
from engine.store.people import Account, People, end_sessions, forget_tokens, insert_session

TAKEN = (SINGLE_USER, SYSTEM.name, "unknown")  # names that stand for somebody else in the record


@dataclass(frozen=True)
class ProviderPerson:
    """Somebody as a provider describes them.

    issuer, subject : who it is; the subject is a pseudonym that the provider keeps
    name            : what the account shall be called where it is new
    roles           : of engine.access.accounts.ROLES; empty where the provider gives none that counts here
    """

    issuer: str
    subject: str
    name: str
    roles: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProviderSession:
    """What is kept of a session that a provider let in.

    name             : of its account
    provider_session : what the provider calls it (`sid`); "" where it has no name for it
    tokens           : sealed; only the app's process reads them
    asked_at         : when the provider last said what the person may do
    good_for         : seconds until its tokens should be used
    """

    session: str
    name: str
    issuer: str
    subject: str
    provider_session: str
    tokens: bytes
    asked_at: float
    good_for: float


def settle(people: People, person: ProviderPerson, now: float) -> Account:
    """Add the account of a person who is new, or give a known one what the provider says now; return it.

    A closed account stays as it is.
    """
    with people.writing() as run:
        known = account_of(people, person.issuer, person.subject)
        if known is None:
            return _added(people, run, person, now)
        if known.closed_at is None:
            _change(run, known, person)
        return account_of(people, person.issuer, person.subject) or known


def join(people: People, name: str, comes_as: Account, now: float, *, actor: Actor) -> None:
    """Let the person whom a provider sends as one account go on as another; sessions of both end, the first closes.

    The other account's password and links are void.
    """
    with people.writing() as run:
        about = {"account": name, "joined": comes_as.name, "issuer": comes_as.issuer, "subject": comes_as.subject}
        note_in_people(run, actor, Act("account joined", about=about))
        run("UPDATE accounts SET issuer = '', subject = '', closed_at = ? WHERE name = ?", (now, comes_as.name))
        set_to = "issuer = ?, subject = ?, roles = ?, attributes = ?, password = NULL"
        given = (json.dumps(comes_as.roles), json.dumps(dict(comes_as.attributes), sort_keys=True))
        run(f"UPDATE accounts SET {set_to} WHERE name = ?", (comes_as.issuer, comes_as.subject, *given, name))
        for one in (name, comes_as.name):
            run("UPDATE links SET used_at = ? WHERE name = ? AND used_at IS NULL", (now, one))
            run("UPDATE sessions SET ended_at = ? WHERE name = ? AND ended_at IS NULL", (now, one))
        forget_tokens(run)


def account_of(people: People, issuer: str, subject: str) -> Account | None:
    """Return the account of a person of a provider, open or closed; None where it never came in."""
    sql = "SELECT name FROM accounts WHERE issuer = ? AND subject = ?"
    return next((people.account(name) for (name,) in people.read(sql, (issuer, subject))), None)


def begin(people: People, kept: ProviderSession, token: str, *, actor: Actor, expired: float) -> None:
    """Keep a new session by the digest of its cookie, with what the provider gave for it.

    expired : tokens of sessions that began before then are deleted
    """
    with people.writing() as run:
        old = "SELECT session FROM sessions WHERE began_at < ?"
        run(f"DELETE FROM provider_sessions WHERE session IN ({old})", (expired,))
        insert_session(run, kept.session, token, kept.asked_at, actor=actor, issuer=kept.issuer)
        row = (kept.session, kept.provider_session, kept.tokens, kept.asked_at, kept.good_for)
        run("INSERT INTO provider_sessions VALUES (?, ?, ?, ?, ?)", row)


def find(people: People, session: str) -> ProviderSession | None:
    """Return what is kept of a session that has not been ended; None where no provider let it in."""
    return next(iter(_found(people, "session = ?", (session,))), None)


def renew(people: People, session: str, tokens: bytes, now: float, good_for: float) -> None:
    """Keep what the provider gave when it was asked again."""
    with people.writing() as run:
        sql = "UPDATE provider_sessions SET tokens = ?, asked_at = ?, good_for = ? WHERE session = ?"
        run(sql, (tokens, now, good_for, session))


def end(people: People, issuer: str, now: float, *, why: str, subject: str = "", sid: str = "") -> tuple[str, ...]:
    """End the sessions of a person, or of one session at the provider, or of both; return their numbers.

    why : stands in the audit
    With neither of both none is ended.
    """
    unnamed = " OR provider_session = ''" if subject else ""  # sessions that the provider did not name are meant, too
    named = {"subject = ?": subject, f"(provider_session = ?{unnamed})": sid}
    given = {condition: value for condition, value in named.items() if value}
    if not given:
        return ()
    with people.writing() as run:
        found = _found(people, " AND ".join(("issuer = ?", *given)), (issuer, *given.values()))
        end_sessions(run, {one.session: one.name for one in found}, now, why)
        return tuple(one.session for one in found)


def end_session(people: People, kept: ProviderSession, now: float, *, why: str) -> None:
    """End one session."""
    with people.writing() as run:
        end_sessions(run, {kept.session: kept.name}, now, why)


def end_others(people: People, issuer: str, now: float) -> int:
    """End the sessions of everybody who did not come in by this provider ("": by an account); return how many."""
    sql = """SELECT session, name FROM sessions JOIN accounts USING (name)
             WHERE issuer <> ? AND ended_at IS NULL"""
    with people.writing() as run:
        found = {str(session): str(name) for session, name in people.read(sql, (issuer,))}
        end_sessions(run, found, now, "people sign in another way now")
        return len(found)


def _found(people: People, condition: str, values: tuple[object, ...]) -> list[ProviderSession]:
    rows = people.read(
        "SELECT session, name, issuer, subject, provider_session, tokens, asked_at, good_for"
        " FROM provider_sessions JOIN sessions USING (session) JOIN accounts USING (name)"
        f" WHERE {condition} AND ended_at IS NULL",
        values,
    )
    return [ProviderSession(*row) for row in rows]


def _added(people: People, run: Callable[..., Any], person: ProviderPerson, now: float) -> Account:
    names = (person.name if n == 1 else f"{person.name}-{n}" for n in count(1))
    name = next(one for one in names if one not in TAKEN and people.account(one) is None)
    attributes = dict(person.attributes)
    row = (name, json.dumps(person.roles), json.dumps(attributes, sort_keys=True), now, person.issuer, person.subject)
    columns = "name, roles, attributes, created_at, issuer, subject"
    run(f"INSERT INTO accounts ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)
    about = {"account": name, "roles": list(person.roles), "attributes": attributes, "issuer": person.issuer}
    note_in_people(run, SYSTEM, Act("account added", about=about))
    pairs = tuple(sorted(attributes.items()))
    return Account(name, person.roles, pairs, None, now, None, person.issuer, person.subject)


def _change(run: Callable[..., Any], known: Account, person: ProviderPerson) -> None:
    """Give an account the roles and attributes that the provider says, and note it where they are others."""
    attributes = dict(person.attributes)
    if (known.roles, dict(known.attributes)) == (person.roles, attributes):
        return
    about = {
        "account": known.name,
        "roles": list(person.roles),
        "before": list(known.roles),
        "attributes": attributes,
        "attributes_before": dict(known.attributes),
        "issuer": person.issuer,
    }
    note_in_people(run, SYSTEM, Act("role changed", about=about))
    row = (json.dumps(person.roles), json.dumps(attributes, sort_keys=True), known.name)
    run("UPDATE accounts SET roles = ?, attributes = ? WHERE name = ?", row)
