"""Consent and audit: what people allowed and what they did, kept with its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb

from engine.errors import UsageError
from engine.files import utc_now
from engine.store.database import Database
from engine.store.records import SCOPES, AuditRow

DAMAGE_SEEN_BY, DAMAGE_KIND, DAMAGE_READ = "casebind", "damage found", "damage read"
AUDIT_COLUMNS = "audit_id, created_at, who, kind, query_id, code, returned, release, filters, refused"


def set_consents(database: Database, patient_ids: Sequence[str], granted: bool, scope: str, who: str) -> None:
    """Append one consent decision and its audit row per patient, in one transaction."""
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
            [scope, granted, who, utc_now(), ids],
        )
        kind = f"consent {scope} {'granted' if granted else 'withdrawn'} for "
        cursor.execute(
            "INSERT INTO audit (audit_id, created_at, who, kind, returned)"
            " SELECT nextval('event_number'), ?, ?, ? || id, [] FROM (SELECT unnest(?) AS id)",
            [utc_now(), who, kind, ids],
        )


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


def add_audit(
    cursor: duckdb.DuckDBPyConnection,
    who: str,
    kind: str,
    *,
    query_id: str | None = None,
    code: str | None = None,
    returned: tuple[str, ...] = (),
    release: str | None = None,
    filters: str | None = None,
    refused: str | None = None,
) -> int:
    """Append one audit row inside a transaction; return its number."""
    row = cursor.execute(
        "INSERT INTO audit VALUES (nextval('event_number'), ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING audit_id",
        [utc_now(), who, kind, query_id, code, list(returned), release, filters, refused],
    ).fetchone()
    return int(row[0])  # type: ignore[index]


def note_damage(database: Database) -> None:
    """Append what was found damaged when the file was opened, so that it is known after the next opening too."""
    if database.remark:
        with database.write() as cursor:
            add_audit(cursor, DAMAGE_SEEN_BY, f"{DAMAGE_KIND}, {database.lost} missing", refused=database.remark)


def last_damage(database: Database) -> tuple[datetime, str] | None:
    """Return when damage was found last and the sentence about it, or None."""
    found = database.read(
        "SELECT created_at, refused FROM audit WHERE who = ? AND starts_with(kind, ?) ORDER BY audit_id DESC LIMIT 1",
        [DAMAGE_SEEN_BY, DAMAGE_KIND],
    )
    return found[0] if found else None


def unread_damage(database: Database, who: str) -> str:
    """Return the newest sentence about damage that a person has not marked as read, "" for none."""
    found = database.read(
        "SELECT arg_max(refused, audit_id) FROM audit WHERE who = ? AND starts_with(kind, ?)"
        " AND audit_id > (SELECT coalesce(max(audit_id), 0) FROM audit WHERE who = ? AND kind = ?)",
        [DAMAGE_SEEN_BY, DAMAGE_KIND, who, DAMAGE_READ],
    )
    return found[0][0] or ""


def recorded(database: Database, who: str, kind: str) -> bool:
    """Return whether the audit holds at least one row of this kind by this person."""
    return bool(database.read("SELECT 1 FROM audit WHERE who = ? AND kind = ? LIMIT 1", [who, kind]))


def audit_rows(database: Database, limit: int) -> list[AuditRow]:
    """Return the newest rows, newest first."""
    found = database.read(f"SELECT {AUDIT_COLUMNS} FROM audit ORDER BY audit_id DESC LIMIT ?", [limit])
    names = AUDIT_COLUMNS.split(", ")
    rows = [dict(zip(names, values, strict=True)) for values in found]
    return [AuditRow(**{**row, "returned": tuple(row["returned"])}) for row in rows]
