"""What near means in a workspace's own collection: counted elsewhere, kept here, one row per release."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from engine.files import utc_now
from engine.store.database import Database

RATINGS_STEP = 25  # ratings and adjudications after which the pairs are counted again


def stamp(database: Database) -> str:
    """Return what changes as soon as the pairs of a workspace are to be counted again."""
    sql = (
        "SELECT (SELECT count(*) || ' ' || coalesce(max(ordinal), 0) || ' ' || count_if(refused <> '') FROM studies),"
        " (SELECT coalesce(max(number), 0) FROM consent),"
        " ((SELECT count(*) FROM ratings) + (SELECT count(*) FROM adjudications)) // ?"
    )
    return " ".join(str(value) for value in database.read(sql, [RATINGS_STEP])[0])


def save(database: Database, digest: str, stamped: str, content: dict[str, Any]) -> None:
    """Put the counts of a release in the place of earlier ones."""
    values = [digest, stamped, json.dumps(content), utc_now()]
    with database.write() as cursor:
        cursor.execute("INSERT OR REPLACE INTO calibrations VALUES (?, ?, ?, ?)", values)


def stamp_of(database: Database, digest: str) -> str | None:
    """Return the stamp under which the counts of a release were made, or None where there are none."""
    found = database.read("SELECT stamp FROM calibrations WHERE digest = ?", [digest])
    return found[0][0] if found else None


def counted_at(database: Database, digest: str) -> datetime | None:
    """Return when the counts of a release were made, or None where there are none."""
    found = database.read("SELECT counted_at FROM calibrations WHERE digest = ?", [digest])
    return found[0][0] if found else None


def load(database: Database, digest: str) -> dict[str, Any] | None:
    """Return the counts of a release, or None where there are none."""
    found = database.read("SELECT content FROM calibrations WHERE digest = ?", [digest])
    return json.loads(found[0][0]) if found else None
