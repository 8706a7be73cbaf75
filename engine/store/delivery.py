"""Acts that were noted in transactions of the record or of people.db, on their way into the audit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import duckdb

from engine.errors import WorkspaceError
from engine.store.audit_file import AuditFile

DELIVERED_ACTS = 200  # that stay noted before they are deleted together

Read = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


class Delivery:
    """Moves noted acts to the audit, each once: an entry that is there is left, so a crash between doubles nothing.

    moved   : how many are in the audit and still noted
    failure : why those that are noted could not be written the last time, one sentence; "" where they were
    """

    def __init__(self, audit: AuditFile) -> None:
        self._audit = audit
        self._last = self.moved = 0  # number of the last act that was moved; how many are moved and not deleted
        self.failure = ""

    def move(self, read: Read) -> None:
        """Move what was committed; what cannot be written stays noted and is tried again next time.

        read : runs a statement where they were noted
        """
        due = read("SELECT number, entry, body FROM acts_due WHERE number > ? ORDER BY number", [self._last])
        if not due:
            return
        try:
            self._audit.deliver([(entry, body) for _, entry, body in due])
        except WorkspaceError as problem:
            self.failure = str(problem)
            return
        self._last, self.moved, self.failure = due[-1][0], self.moved + len(due), ""

    def delete(self, cursor: duckdb.DuckDBPyConnection | sqlite3.Connection, at_least: int = DELIVERED_ACTS) -> None:
        """Delete acts that were moved, inside a transaction, once there are so many of them."""
        if self.moved >= at_least:
            cursor.execute("DELETE FROM acts_due WHERE number <= ?", [self._last])
            self.moved = 0
