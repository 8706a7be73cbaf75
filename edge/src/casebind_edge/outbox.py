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
CREATE TABLE IF NOT EXISTS watched (source TEXT PRIMARY KEY, rows INTEGER NOT NULL);
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
        with self._open() as connection:
            return self._query(connection, study, said, who)

    def keep_refusal(self, modality: str, reason: str, who: str) -> str:
        """Keep that a recording was refused, without its content; return its number."""
        with self._open() as connection:
            return self._refusal(connection, modality, reason, who)

    def keep_window(self, found: Found | None, who: str, source: str, rows: int) -> None:
        """Keep what a window of a growing recording was found to be, and that `rows` of a named source are done.

        The query's number is put into what is said. Without `found` the window could not be read; its place is kept.
        """
        with self._open() as connection:
            if found is not None and found.refused:
                key = self._refusal(connection, found.study.modality, " ".join(found.refused), who)
                found.said["query"]["query_id"] = key
            elif found is not None:
                found.said["query"]["query_id"] = self._query(connection, packed_study(found.study), found.said, who)
            if source:
                connection.execute("INSERT OR REPLACE INTO watched VALUES (?, ?)", (source, rows))

    def rows_read(self, source: str) -> int:
        """Return how many rows of a growing recording are done."""
        with self._open() as connection:
            row = connection.execute("SELECT rows FROM watched WHERE source = ?", (source,)).fetchone()
        return 0 if row is None else int(row[0])

    def _query(self, connection: sqlite3.Connection, study: dict[str, Any], said: dict[str, Any], who: str) -> str:
        key = f"q-{secrets.token_hex(8)}"
        shown = json.dumps([one["study_id"] for one in said["neighbours"]])
        self._add(connection, key, {"kind": "query", "who": who, "study": study, "release": said["release"]})
        connection.execute("INSERT INTO queries VALUES (?, ?, ?)", (key, said["release"], shown))
        return key

    def _refusal(self, connection: sqlite3.Connection, modality: str, reason: str, who: str) -> str:
        key = f"q-{secrets.token_hex(8)}"
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
