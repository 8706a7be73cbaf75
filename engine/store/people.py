"""Accounts, one-time links and sessions: `people.db` beside the record, a SQLite file.

The record belongs to one process at a time; this file is written by the app and by `casebind users` at once, so that an
account that is closed in the shell is out of the running app at its next click. It holds no patient and no query but
what somebody names in the reason of an emergency, which an erasure replaces.
Passwords stand in it as argon2id strings, links and cookies as SHA-256 digests. Times are seconds since 1970, UTC.
What is done here is an act: it is noted in the same transaction and moved to the audit after it, as acts of the record
are (`engine.store.acts`).
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.actor import Actor, Use
from engine.errors import WorkspaceError
from engine.store.acts import Act, note_in_people
from engine.store.audit_file import SYSTEM, AuditFile
from engine.store.delivery import Delivery
from engine.store.own_file import open_own

FILE = "people.db"
WAIT_S = 10.0  # for another process that writes
PRAGMAS = ("foreign_keys = ON", "secure_delete = ON")  # what is deleted is overwritten
TABLES = """
CREATE TABLE accounts (
    name TEXT PRIMARY KEY, roles TEXT NOT NULL, attributes TEXT NOT NULL, password TEXT,
    created_at REAL NOT NULL, closed_at REAL);
CREATE TABLE links (
    token TEXT PRIMARY KEY, name TEXT NOT NULL REFERENCES accounts, expires_at REAL NOT NULL, used_at REAL);
CREATE TABLE sessions (
    session TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, name TEXT NOT NULL REFERENCES accounts,
    began_at REAL NOT NULL, used_at REAL NOT NULL, ended_at REAL);
CREATE TABLE failures (subject TEXT NOT NULL, failed_at REAL NOT NULL);
CREATE INDEX failures_of ON failures (subject, failed_at);
"""
ACTS = "CREATE TABLE acts_due (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, body TEXT NOT NULL)"
PURPOSES = """
ALTER TABLE sessions ADD COLUMN use TEXT NOT NULL DEFAULT 'treatment';
ALTER TABLE sessions ADD COLUMN reason TEXT NOT NULL DEFAULT ''
"""
PROVIDERS = """
ALTER TABLE accounts ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX accounts_of_providers ON accounts (issuer, subject) WHERE issuer <> '';
CREATE TABLE provider_sessions (
    session TEXT PRIMARY KEY REFERENCES sessions, provider_session TEXT NOT NULL, tokens BLOB NOT NULL,
    asked_at REAL NOT NULL, good_for REAL NOT NULL)
"""
KEYS = """
CREATE TABLE keys (name TEXT PRIMARY KEY, key BLOB NOT NULL);
DELETE FROM failures
"""  # names of failures stood there as they were typed, and a password may be typed in the wrong field
STEPS = tuple(step.split(";") for step in (TABLES, ACTS, PURPOSES, PROVIDERS, KEYS))  # from each version to the next


@dataclass(frozen=True)
class Account:
    """A person who may sign in.

    roles      : what the person may do
    attributes : (key, value) pairs, e.g. ("department", "cardiology")
    password   : the argon2id string; None until the person has chosen one
    closed_at  : None while the account is open
    issuer     : the provider that the person comes from; "" for an account of this workspace
    subject    : who it is there
    """

    name: str
    roles: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    password: str | None
    created_at: float
    closed_at: float | None
    issuer: str = ""
    subject: str = ""

    @property
    def state(self) -> Literal["invited", "open", "closed"]:
        """Return whether the person may come in, has yet to choose a password, or may not any more."""
        if self.closed_at is not None:
            return "closed"
        return "open" if self.password or self.issuer else "invited"


@dataclass(frozen=True)
class StoredSession:
    """A session that has not been ended; whether it has expired is for engine.access.sessions to say."""

    session: str
    name: str
    roles: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    began_at: float
    used_at: float
    use: Use
    reason: str


class People:
    """The file of one workspace, opened; may be used from several threads."""

    def __init__(self, folder: Path) -> None:
        """Open or create the file in a workspace's folder; WorkspaceError where it cannot be."""
        self.path = folder / FILE
        self._lock = threading.RLock()
        self.audit = AuditFile(folder)
        self._delivery = Delivery(self.audit)
        try:
            self._connection = open_own(self.path, STEPS, wait_s=WAIT_S, pragmas=PRAGMAS)
        except (sqlite3.Error, OSError) as problem:
            raise WorkspaceError(
                f"{self.path} cannot be opened ({problem}); check that the folder exists and that you may write to it."
            ) from None
        self._delivery.move(self.read)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
            self.audit.close()

    # accounts

    def add(
        self, name: str, roles: tuple[str, ...], attributes: Mapping[str, str], now: float, *, actor: Actor
    ) -> bool:
        """Add an account without a password; return False where there is one of this name, open or closed."""
        row = (name, json.dumps(roles), json.dumps(dict(attributes), sort_keys=True), now)
        with self.writing() as run:
            sql = (
                "INSERT INTO accounts (name, roles, attributes, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
            )
            is_new: bool = run(sql, row).rowcount == 1
            if is_new:
                about = {"account": name, "roles": list(roles), "attributes": dict(attributes)}
                note_in_people(run, actor, Act("account added", about=about))
            return is_new

    def accounts(self) -> list[Account]:
        """Return all accounts by name."""
        return [_account(row) for row in self.read("SELECT * FROM accounts ORDER BY name", ())]

    def account(self, name: str) -> Account | None:
        """Return one account; None where there is none of this name."""
        return next((_account(row) for row in self.read("SELECT * FROM accounts WHERE name = ?", (name,))), None)

    def set_roles(self, name: str, roles: tuple[str, ...], *, actor: Actor) -> None:
        """Give an account other roles; its sessions have them from the next request on."""
        with self.writing() as run:
            before = run("SELECT roles FROM accounts WHERE name = ?", (name,)).fetchone()
            about = {"account": name, "roles": list(roles), "before": list(_names(before[0])) if before else []}
            note_in_people(run, actor, Act("role changed", about=about))
            run("UPDATE accounts SET roles = ? WHERE name = ?", (json.dumps(roles), name))

    def close_account(self, name: str, now: float, *, actor: Actor) -> None:
        """Close an account, void its links and end its sessions."""
        with self.writing() as run:
            note_in_people(run, actor, Act("account closed", about={"account": name}))
            run("UPDATE accounts SET closed_at = ? WHERE name = ? AND closed_at IS NULL", (now, name))
            run("UPDATE links SET used_at = ? WHERE name = ? AND used_at IS NULL", (now, name))
            run("UPDATE sessions SET ended_at = ? WHERE name = ? AND ended_at IS NULL", (now, name))
            forget_tokens(run)

    def reopen_account(self, name: str, *, actor: Actor) -> None:
        """Open a closed account; a password that it had is gone."""
        with self.writing() as run:
            note_in_people(run, actor, Act("account reopened", about={"account": name}))
            run("UPDATE accounts SET closed_at = NULL, password = NULL WHERE name = ?", (name,))

    # one-time links

    def add_link(self, token: str, name: str, expires_at: float, now: float, *, actor: Actor) -> None:
        """Keep the digest of a one-time link; it takes the place of the account's earlier ones."""
        with self.writing() as run:
            note_in_people(run, actor, Act("link made", about={"account": name}))
            run("UPDATE links SET used_at = ? WHERE name = ? AND used_at IS NULL", (now, name))
            run("INSERT INTO links VALUES (?, ?, ?, NULL)", (token, name, expires_at))

    def link_is_for(self, token: str, now: float) -> str | None:
        """Return the open account whose password a link sets; None where it is used, expired or unknown."""
        sql = """SELECT name FROM links JOIN accounts USING (name)
                 WHERE token = ? AND used_at IS NULL AND expires_at > ? AND closed_at IS NULL"""
        return next((str(name) for (name,) in self.read(sql, (token, now))), None)

    def use_link(self, token: str, password: str, now: float) -> str | None:
        """Set the password by a link, once, and end the account's sessions; return the account's name."""
        with self.writing() as run:
            name = self.link_is_for(token, now)
            if name is not None:
                run("UPDATE links SET used_at = ? WHERE token = ?", (now, token))
                run("UPDATE accounts SET password = ? WHERE name = ?", (password, name))
                run("UPDATE sessions SET ended_at = ? WHERE name = ? AND ended_at IS NULL", (now, name))
                note_in_people(run, Actor(name), Act("password set"))
            return name

    # sessions

    def begin(self, session: str, token: str, now: float, *, actor: Actor) -> None:
        """Keep a new session of somebody by the digest of its cookie."""
        with self.writing() as run:
            insert_session(run, session, token, now, actor=actor)

    def by_token(self, token: str) -> StoredSession | None:
        """Return the session of a cookie's digest where it was not ended and its account is open."""
        return next(iter(self._sessions("token = ?", (token,))), None)

    def sessions(self) -> list[StoredSession]:
        """Return the sessions that were not ended, of open accounts, the one used last first; some may have expired."""
        return self._sessions("true", ())

    def _sessions(self, condition: str, values: tuple[object, ...]) -> list[StoredSession]:
        columns = "session, name, roles, attributes, began_at, used_at, use, reason"
        rows = self.read(
            f"SELECT {columns} FROM sessions JOIN accounts USING (name)"
            f" WHERE {condition} AND ended_at IS NULL AND closed_at IS NULL ORDER BY used_at DESC",
            values,
        )
        return [
            StoredSession(one, name, _names(roles), _pairs(known), *rest) for one, name, roles, known, *rest in rows
        ]

    def use(self, session: str, now: float) -> None:
        """Note that a session did something."""
        with self.writing() as run:
            run("UPDATE sessions SET used_at = ? WHERE session = ?", (now, session))

    def end(self, session: str, now: float, *, actor: Actor) -> None:
        """End a session; a second time changes nothing."""
        with self.writing() as run:
            sql = "UPDATE sessions SET ended_at = ? WHERE session = ? AND ended_at IS NULL"
            if run(sql, (now, session)).rowcount:
                note_in_people(run, actor, Act("signed out", about={"session": session}))
                forget_tokens(run)

    def expire(self, stored: StoredSession, now: float, *, why: str) -> None:
        """End a session whose time is over; a second time changes nothing. why : stands in the audit"""
        with self.writing() as run:
            end_sessions(run, {stored.session: stored.name}, now, why)

    def end_everything(self, now: float, *, actor: Actor) -> None:
        """End every session and void every link, as in a copy that is older than what was ended since."""
        with self.writing() as run:
            note_in_people(run, actor, Act("sessions ended", about={"all": True}))
            run("UPDATE sessions SET ended_at = ? WHERE ended_at IS NULL", (now,))
            run("UPDATE links SET used_at = ? WHERE used_at IS NULL", (now,))
            forget_tokens(run)

    def replace_in_reasons(self, pattern: re.Pattern[str], by: str) -> None:
        """Put a mark in the place of words in reasons of emergencies; no byte of them is left in the file or its log.

        Names without an account are kept nowhere; acts go that are in the audit by now.
        """
        with self.writing() as run:
            for session, reason in run("SELECT session, reason FROM sessions WHERE reason <> ''").fetchall():
                run("UPDATE sessions SET reason = ? WHERE session = ?", (pattern.sub(by, reason), session))
            self._delivery.delete(self._connection, at_least=1)
        with self._lock:
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def key(self, name: str) -> bytes:
        """Return a secret of this workspace, 32 bytes, made when it is first asked for."""
        sql = "SELECT key FROM keys WHERE name = ?"
        if not (found := self.read(sql, (name,))):
            with self.writing() as run:
                run("INSERT INTO keys VALUES (?, ?) ON CONFLICT DO NOTHING", (name, secrets.token_bytes(32)))
            found = self.read(sql, (name,))
        return bytes(found[0][0])

    def read(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Return all rows of a question; for the modules of this file's tables."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Begin a transaction that holds the file, and commit it on disk; roll back where the block raises."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
                self._delivery.delete(self._connection)
            except BaseException:
                if self._connection.in_transaction:  # some errors end it by themselves
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            self._delivery.move(self.read)


def insert_session(
    run: Callable[..., Any], session: str, token: str, now: float, *, actor: Actor, issuer: str = ""
) -> None:
    """Insert a session inside a transaction, with the acts that it is."""
    row = (session, token, actor.name, now, now, actor.use, actor.reason)
    run("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, NULL, ?, ?)", row)
    note_in_people(run, actor, Act("signed in", about={"issuer": issuer} if issuer else {}))
    if actor.use == "emergency":
        note_in_people(run, actor, Act("break-glass", about={"reason": actor.reason}))


def end_sessions(run: Callable[..., Any], found: Mapping[str, str], now: float, why: str) -> None:
    """End sessions that nobody ended by hand (number → account) inside a transaction, and forget their tokens."""
    for session, name in found.items():
        if run("UPDATE sessions SET ended_at = ? WHERE session = ? AND ended_at IS NULL", (now, session)).rowcount:
            note_in_people(run, SYSTEM, Act("sessions ended", about={"account": name, "session": session, "why": why}))
    forget_tokens(run)


def forget_tokens(run: Callable[..., Any]) -> None:
    """Delete a provider's tokens of sessions that have ended, inside a transaction."""
    run("DELETE FROM provider_sessions WHERE session IN (SELECT session FROM sessions WHERE ended_at IS NOT NULL)")


def _account(row: tuple[Any, ...]) -> Account:
    name, roles, attributes, *rest = row
    return Account(name, _names(roles), _pairs(attributes), *rest)


def _names(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored))


def _pairs(stored: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(json.loads(stored).items()))
