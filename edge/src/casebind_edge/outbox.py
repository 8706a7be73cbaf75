"""What was done on the device and has not arrived at the hospital: queries, ratings, refusals, in SQLite.

An event is on disk before its answer is shown. It has a key of its own and stays until the hospital says that it came.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from casebind_edge.search import Found
from engine.edge.messages import packed_study
from engine.errors import UsageError
from engine.files import create_private, utc_now

FILE = "outbox.db"
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queries (query_id TEXT PRIMARY KEY, release TEXT NOT NULL, neighbours TEXT NOT NULL);
"""


def keep(home: Path, found: Found, who: str) -> str:
    """Keep a query or its refusal for the hospital; return its number."""
    if found.refused:
        return Outbox(home).keep_refusal(found.study.modality, " ".join(found.refused), who)
    return Outbox(home).keep_query(packed_study(found.study), found.said, who)


class Outbox:
    """The events of one device; several processes may have it open."""

    def __init__(self, home: Path) -> None:
        create_private(home / FILE)
        self._path = home / FILE

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose transaction is on disk when this ends."""
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(SCHEMA)
            with connection:
                yield connection
        finally:
            connection.close()

    def keep_query(self, study: dict[str, Any], said: dict[str, Any], who: str) -> str:
        """Keep an accepted query with its searched stretch; return its number."""
        key = f"q-{secrets.token_hex(8)}"
        shown = json.dumps([one["study_id"] for one in said["neighbours"]])
        with self._open() as connection:
            self._add(connection, key, {"kind": "query", "who": who, "study": study, "release": said["release"]})
            connection.execute("INSERT INTO queries VALUES (?, ?, ?)", (key, said["release"], shown))
        return key

    def keep_refusal(self, modality: str, reason: str, who: str) -> str:
        """Keep that a recording was refused, without its content; return its number."""
        key = f"q-{secrets.token_hex(8)}"
        with self._open() as connection:
            self._add(connection, key, {"kind": "refusal", "who": who, "modality": modality, "reason": reason})
        return key

    def rate(self, query_id: str, study_id: str, mark: str, who: str) -> str:
        """Keep a mark on a neighbour that a query showed; UsageError where it did not. Return the event's key."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT release, neighbours FROM queries WHERE query_id = ?", (query_id,)
            ).fetchone()
            if row is None or study_id not in json.loads(row[1]):
                raise UsageError(f"No query {query_id} of this device showed {study_id}: name both as the search did.")
            key, said = (
                secrets.token_hex(16),
                {"kind": "rating", "who": who, "query_id": query_id, "study_id": study_id},
            )
            self._add(connection, key, {**said, "mark": mark, "release": row[0]})
        return key

    def events(self) -> list[dict[str, Any]]:
        """Return what has not arrived, oldest first."""
        with self._open() as connection:
            rows = connection.execute("SELECT key, body FROM events ORDER BY number").fetchall()
        return [{"key": key, **json.loads(body)} for key, body in rows]

    def arrived(self, keys: Iterable[str]) -> int:
        """Delete events that the hospital has; return how many were here."""
        with self._open() as connection:
            return sum(connection.execute("DELETE FROM events WHERE key = ?", (key,)).rowcount for key in keys)

    def _add(self, connection: sqlite3.Connection, key: str, body: dict[str, Any]) -> None:
        text = json.dumps({**body, "made_at": utc_now().isoformat(timespec="seconds")})
        connection.execute("INSERT INTO events (key, body) VALUES (?, ?)", (key, text))
