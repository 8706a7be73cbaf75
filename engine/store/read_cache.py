"""Results of statements that read, each dropped as soon as a table that it names is written.

Most of what a page asks of the record is asked again at the next click: who serves, who has withdrawn, whose rows these
are. One process writes the file (engine.store.database), so every change is known here. Tables are recognised by their
names in the text of a statement, a view by those that it is made of; a statement in which none is recognised is never
cached, and one that writes without naming a table drops everything.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar

import duckdb

MOST_RESULTS = 1000
MOST_ROWS, MOST_VALUES = 300, 300  # of one result, and in one list of values of a statement; larger ones are read anew
WORD = re.compile(r"\w+")
WRITTEN = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)[^;]*$")  # a statement that writes one table
READ = re.compile(r"\s*SELECT\b[^;]*$")
CHANGING = re.compile(r"\b(nextval|now|random|current_\w+)\b")  # a statement with these has no result of its own
PLAIN = (str, int, float, bool, date, type(None))
Rows = list[tuple[Any, ...]]
Columns = dict[str, Any]  # numpy arrays by name
Result = TypeVar("Result", Rows, Columns)


class ReadCache:
    """Results by statement and values. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: dict[str, frozenset[str]] = {}  # name of a table or view → the tables that it reads
        self._results: OrderedDict[tuple[str, str, str], tuple[frozenset[str], Any]] = OrderedDict()
        self._changes: Counter[str] = Counter()  # by table
        self._committing: frozenset[str] = frozenset()
        self._named = lru_cache(maxsize=2000)(self._find_named)

    def learn_tables(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Learn which tables and views there are; until then nothing is cached."""
        tables = {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        views = cursor.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal").fetchall()
        made_of = {name: frozenset(tables.intersection(WORD.findall(sql))) for name, sql in views}
        with self._lock:
            self._tables = {name: frozenset((name,)) for name in tables} | made_of
            self._named.cache_clear()
            self._results.clear()

    def ask(self, sql: str, values: Sequence[Any], read: Callable[[], Result]) -> Result:
        """Return what a statement returns: what it did before where no table of it was written since, else `read()`."""
        named = self._named(sql)
        key = (read.__name__, sql, repr(values)) if named and not CHANGING.search(sql) and _are_plain(values) else None
        with self._lock:
            if key is None or named & self._committing:
                before = None
            elif key in self._results:
                self._results.move_to_end(key)
                return _copied(self._results[key][1])
            else:
                before = self._moment(named)
        found = read()
        if key is not None and before is not None and _length(found) <= MOST_ROWS:
            with self._lock:
                if not named & self._committing and self._moment(named) == before:
                    self._results[key] = named, found
                    while len(self._results) > MOST_RESULTS:
                        self._results.popitem(last=False)
            return _copied(found)
        return found

    @contextmanager
    def committing(self, written: Sequence[str]) -> Iterator[None]:
        """Read past the cache while the block commits a transaction of these statements; drop what it changes."""
        changed = [self._written(sql) for sql in dict.fromkeys(written) if not READ.match(sql)]
        tables = frozenset().union(*changed) if all(changed) else frozenset().union(*self._tables.values())
        with self._lock:
            self._committing = tables
        try:
            yield
        finally:
            with self._lock:
                self._changes.update(tables)
                self._committing = frozenset()
                for key in [key for key, (named, _) in self._results.items() if named & tables]:
                    del self._results[key]

    def clear(self) -> None:
        """Drop every result and cache nothing from now on."""
        with self._lock:
            self._tables = {}
            self._named.cache_clear()
            self._results.clear()

    def _moment(self, tables: frozenset[str]) -> tuple[int, ...]:
        return tuple(self._changes[name] for name in sorted(tables))

    def _written(self, sql: str) -> frozenset[str]:
        """Return the tables that a statement may write; all that it names where it is not one of the simple kinds."""
        one = WRITTEN.match(sql)
        return self._named(one[1] if one else sql)

    def _find_named(self, sql: str) -> frozenset[str]:
        """Return the tables that a statement names, those of its views among them."""
        known = self._tables
        return frozenset().union(*(known[word] for word in known.keys() & set(WORD.findall(sql))))


class NotingCursor:
    """The cursor of a transaction that notes what it is asked to do; everything else is the cursor's own."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.statements: list[str] = []

    def execute(self, sql: str, *given: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        """Execute one statement, as the cursor does."""
        self.statements.append(sql)
        return self._cursor.execute(sql, *given, **named)

    def executemany(self, sql: str, *given: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        """Execute one statement with many values, as the cursor does."""
        self.statements.append(sql)
        return self._cursor.executemany(sql, *given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def _length(found: Rows | Columns) -> int:
    """Return the number of rows of a result."""
    return len(found) if isinstance(found, list) else len(next(iter(found.values()), ()))


def _copied(found: Result) -> Result:
    """Return a result whose rows or columns may be changed."""
    return found.copy() if isinstance(found, list) else {name: column.copy() for name, column in found.items()}


def _are_plain(values: Sequence[Any]) -> bool:
    """Say whether values are told apart by how they are written."""
    return all(
        (len(one) <= MOST_VALUES and all(isinstance(part, PLAIN) for part in one))
        if isinstance(one, list | tuple)
        else isinstance(one, PLAIN)
        for one in values
    )
