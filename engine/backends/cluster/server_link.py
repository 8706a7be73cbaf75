"""Shards as tables of ordinary PostgreSQL servers with pgvector, each asked directly and at once.

A table holds ordinal, patient, study id, and the code at its three lengths. The search is pgvector's Hamming distance
over all of the table, exact; by setting, an HNSW index with `bit_hamming_ops`, scanned iteratively so that a filter
does not starve it. A server keeps its tables between sessions: one that was left in step is used again as it is.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from engine.backends.cluster import table
from engine.backends.cluster.links import Unreachable
from engine.backends.cluster.mask import ShardMask
from engine.backends.cluster.messages import CodeRows, Key, ShardChange, ShardQuery, ShardReply
from engine.backends.setting import IndexSetting
from engine.errors import UsageError

READERS = 4  # questions that one server answers at once, each on a connection of its own
CONNECT_S = 3
ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}  # a lost server is noticed in 10 s


def need_psycopg() -> Any:
    """Return psycopg; UsageError in one sentence where it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise UsageError(
            "The index backend pgvector needs psycopg, which is not installed: run `pip install 'casebind[cluster]'`, "
            "or go back by `casebind cluster use local`."
        ) from error
    return psycopg


class Servers:
    """The servers of a setting, one per site."""

    def __init__(self, setting: IndexSetting) -> None:
        need_psycopg()
        self.setting, self.session = setting, secrets.token_hex(8)

    def links(self) -> list[list[ServerLink]]:
        """Return, by shard, the links to its replicas."""
        one = self.setting
        return [
            [
                ServerLink(one, one.sites[home], one.servers[home], shard, self.session)
                for home in one.replica_sites(shard)
            ]
            for shard in range(one.n_shards)
        ]

    def close(self) -> None:
        """Every link closes its own connections."""
        return


class ServerLink:
    """One shard's tables at one site."""

    prefers_reload = False

    def __init__(self, setting: IndexSetting, site: str, address: str, shard: int, session: str) -> None:
        self.setting, self.site, self.address, self.shard, self.session = setting, site, address, shard, session
        self._psycopg = need_psycopg()
        self._idle: list[Any] = []
        self._writer = ThreadPoolExecutor(1, f"casebind writes {site}")
        self._readers = ThreadPoolExecutor(READERS, f"casebind asks {site}")
        self._last: Future[Any] | None = None  # write; a question waits for those sent before it
        self._keys: set[Key] = set()

    def open(self) -> None:
        """Connect, and make what the tables need."""
        last, self._last = self._last, None
        if last is not None:
            with suppress(TimeoutError):
                last.exception(timeout=CONNECT_S)
        self._drop_idle()
        with self._connection() as connection, connection.transaction():
            connection.execute(table.ADVISORY_LOCK)
            connection.execute(table.PREPARE)

    def loaded_version(self, key: Key) -> str | None:
        """Return the stamp of the table."""
        with self._connection() as connection:
            row = connection.execute(table.STAMP, [self._name(key)]).fetchone()
        if row is not None:
            self._keys.add(key)
        return None if row is None else str(row[0])

    def version_name(self, version: int) -> str:
        """Return session and version: a stamp of another session never equals it."""
        return f"{self.session}.{version:012d}"

    def adopt(self, key: Key, version: int) -> None:
        """Let a table that a former session left in step bear this session's stamp."""
        with self._connection() as connection:
            connection.execute(table.UPSERT_STAMP, [self._name(key), self.version_name(version)])

    def load(self, key: Key, version: int, parts: Iterable[CodeRows]) -> None:
        """Copy the codes into a table beside the one that is there."""
        with self._connection() as connection:
            table.fill(connection, self._name(key), parts)

    def finish(self, key: Key, version: int, repeats: Sequence[ShardChange]) -> Future[int]:
        """Put the new table, with what changed meanwhile, in the place of the old one."""
        self._keys.add(key)
        return self._write(self._finish, key, version, list(repeats))

    def apply(self, change: ShardChange) -> None:
        """Send a change on its way, behind those before it; where it fails, so does the next question."""
        self._write(self._follow, change)

    def ask(self, queries: Sequence[ShardQuery], masks: Sequence[ShardMask]) -> Future[list[ShardReply | None]]:
        """Have a reader ask all the questions."""
        return self._readers.submit(self._ask, list(queries), list(masks), self._last)

    def mark_synced(self, key: Key, fingerprint: str) -> None:
        """Stamp a table as in step with the record of that fingerprint."""
        if self._last is not None and self._last.exception() is not None:
            raise Unreachable("its last change failed")
        with self._connection() as connection:
            connection.execute(table.UPSERT_STAMP, [self._name(key), fingerprint])

    def close(self) -> None:
        """End the connections; the tables stay."""
        for pool in (self._writer, self._readers):
            pool.shutdown(wait=False, cancel_futures=True)
        self._drop_idle()

    def _name(self, key: Key) -> str:
        named = repr((self.setting.token, *key, self.shard, self.setting.n_shards)).encode()
        return f"casebind_{hashlib.sha256(named).hexdigest()[:24]}"

    def _write(self, work: Any, *values: Any) -> Future[Any]:
        self._last = done = self._writer.submit(work, *values)
        return done

    def _finish(self, key: Key, version: int, repeats: list[ShardChange]) -> int:
        with self._connection() as connection, connection.transaction():
            n = table.replace(connection, self._name(key))
            for change in repeats:
                table.change(connection, self._name(key), change.added.get(key), change.removed)
            newest = max([version, *(change.version for change in repeats)])
            connection.execute(table.UPSERT_STAMP, [self._name(key), self.version_name(newest)])
        with self._connection() as connection:
            table.finish(connection, self._name(key), self.setting.approximate)
        return n

    def _follow(self, change: ShardChange) -> None:
        with self._connection() as connection, connection.transaction():
            for key in sorted(self._keys):
                name = self._name(key)
                if key[0] == change.dropped_release:
                    table.drop(connection, name)
                else:
                    table.change(connection, name, change.added.get(key), change.removed)
                    connection.execute(table.UPSERT_STAMP, [name, self.version_name(change.version)])
        self._keys = {key for key in self._keys if key[0] != change.dropped_release}

    def _ask(
        self, queries: list[ShardQuery], masks: list[ShardMask], write: Future[Any] | None
    ) -> list[ShardReply | None]:
        if write is not None:
            write.result(self.setting.limit_s)
        with self._connection() as connection, connection.transaction():
            connection.execute(table.LIMIT.format(ms=int(1000 * self.setting.limit_s)))
            return [self._answer(connection, one, mask) for one, mask in zip(queries, masks, strict=True)]

    def _answer(self, connection: Any, shard_query: ShardQuery, mask: ShardMask) -> ShardReply | None:
        row = connection.execute(table.STAMP, [self._name(shard_query.key)]).fetchone()
        if row is None or not self.version_name(shard_query.version) <= row[0] < f"{self.session}.a":
            return None
        return table.nearest(connection, self._name(shard_query.key), shard_query, mask, self.setting.approximate)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """Lend a connection; one on which something failed is not used again."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except self._psycopg.Error as error:
            connection.close()
            raise Unreachable(" ".join(str(error).split())[:200]) from error
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _connect(self) -> Any:
        unheard_ms = int(1000 * max(10, self.setting.limit_s))
        try:
            return self._psycopg.connect(
                self.address, autocommit=True, connect_timeout=CONNECT_S, tcp_user_timeout=unheard_ms, **ALIVE
            )
        except self._psycopg.Error as error:
            raise Unreachable(" ".join(str(error).split())[:200]) from error

    def _drop_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()
