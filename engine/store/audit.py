"""Consent and audit: what people allowed, kept with its history, and what they did, as audit.db has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store.acts import Act, note
from engine.store.audit_file import SYSTEM
from engine.store.database import Database
from engine.store.records import SCOPES, AuditRow

DAMAGE_KIND, DAMAGE_READ = "damage found", "damage read"
DAMAGE = "who = ? AND kind GLOB ?"  # earlier versions said in the kind how much was missing


def set_consents(database: Database, patient_ids: Sequence[str], granted: bool, scope: str, actor: Actor) -> None:
    """Append one consent decision and its act per patient, in one transaction."""
    if scope not in SCOPES:
        raise UsageError(f"There is no consent scope '{scope}': use {' or '.join(SCOPES)}.")
    ids = list(patient_ids)
    with database.write() as cursor:
        found = cursor.execute(
            "SELECT patient_id FROM patients WHERE patient_id IN (SELECT unnest(?))", [ids]
        ).fetchall()
        unknown = dict.fromkeys(ids).keys() - {patient_id for (patient_id,) in found}
        if unknown:
            raise UsageError(f"There is no patient {min(unknown)} in the workspace: take an id from a search result.")
        cursor.execute(
            "INSERT INTO consent SELECT nextval('event_number'), id, ?, ?, ?, ? FROM (SELECT unnest(?) AS id)",
            [scope, granted, actor.name, utc_now(), ids],
        )
        kind = f"consent {'granted' if granted else 'withdrawn'}"
        for patient_id in ids:
            note(cursor, actor, Act(kind, patients=(patient_id,), about={"scope": scope}))


def add_consent(cursor: duckdb.DuckDBPyConnection, patient_id: str, granted: bool, scope: str, who: str) -> None:
    """Append one consent decision inside a transaction."""
    cursor.execute(
        "INSERT INTO consent VALUES (nextval('event_number'), ?, ?, ?, ?, ?)",
        [patient_id, scope, granted, who, utc_now()],
    )


def add_manifest_consent(cursor: duckdb.DuckDBPyConnection, consents: dict[tuple[str, str], bool]) -> None:
    """Append what a manifest states, (patient id, scope) → granted, inside a transaction.

    A manifest may withdraw at any time, but what was withdrawn is granted again only by `set_consent`.
    """
    if not consents:
        return
    found = cursor.execute(
        "SELECT patient_id, scope, arg_max(granted, number) FROM consent"
        " WHERE patient_id IN (SELECT unnest(?)) GROUP BY ALL",
        [[patient_id for patient_id, _ in consents]],
    ).fetchall()
    known = {(patient_id, scope): granted for patient_id, scope, granted in found}
    for (patient_id, scope), granted in consents.items():
        if (patient_id, scope) not in known or (known[patient_id, scope] and not granted):
            add_consent(cursor, patient_id, granted, scope, "manifest")


def note_damage(database: Database) -> None:
    """Append what was found damaged when the file was opened, so that it is known after the next opening too."""
    if database.remark:
        about = {"missing": database.lost}
        database.audit.append(SYSTEM, Act(DAMAGE_KIND, refused=database.remark, outcome="done", about=about))


def last_damage(database: Database) -> tuple[datetime, str] | None:
    """Return when damage was found last and the sentence about it, or None."""
    found = database.audit.rows(DAMAGE, (SYSTEM.name, f"{DAMAGE_KIND}*"), newest=1)
    return (_moment(found[0]), found[0]["refused"]) if found else None


def unread_damage(database: Database, who: str) -> str:
    """Return the newest sentence about damage that a person has not marked as read, "" for none."""
    found = database.audit.rows(DAMAGE, (SYSTEM.name, f"{DAMAGE_KIND}*"), newest=1)
    read = database.audit.rows("who = ? AND kind = ?", (who, DAMAGE_READ), newest=1)
    return str(found[0]["refused"]) if found and (not read or read[0]["n"] < found[0]["n"]) else ""


def recorded(database: Database, who: str, kind: str) -> bool:
    """Return whether the audit holds at least one row of this kind by this person."""
    return bool(database.audit.rows("who = ? AND kind = ?", (who, kind), newest=1))


def audit_rows(database: Database, limit: int) -> list[AuditRow]:
    """Return the newest rows, newest first."""
    return [row_of(body) for body in database.audit.rows(newest=limit)]


def row_of(body: Mapping[str, Any]) -> AuditRow:
    """Return a row of the audit from its body."""
    return AuditRow(
        audit_id=body["n"],
        created_at=_moment(body),
        who=body["who"],
        kind=body["kind"],
        query_id=body.get("query_id"),
        code=body.get("code"),
        returned=tuple(body.get("returned", ())),
        release=body.get("release"),
        filters=body.get("filters"),
        refused=body.get("refused"),
        patients=tuple(body.get("patients", ())),
        session=body.get("session", ""),
        roles=tuple(body.get("roles", ())),
        purpose=body.get("purpose", ""),
        outcome=body.get("outcome", ""),
        about=body.get("about", {}),
    )


def _moment(body: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(body["time"]).astimezone(UTC).replace(tzinfo=None)
