"""One shard at one site, kept in step with the record by a thread of its own, or known to be away.

    away ── reached ──> loading ── in step ──> ready ── no answer in time ──> away

While a replica is away nobody waits for it: its thread tries to reach it and loads what it missed. A restarted shard
holds nothing, so it is never asked before its codes are those of the record.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as Late

from engine.backends.cluster import source
from engine.backends.cluster.links import Link, Unreachable
from engine.backends.cluster.messages import Key, ShardChange
from engine.backends.snapshots import COMPACT_FROM, COMPACT_SHARE
from engine.store import codes
from engine.store.database import Database

RETRY_S = 0.3  # between two tries to reach a site
FINISH_S = 120.0  # for a shard to put in place what it was sent
SYNCED_PREFIX = "rest:"  # begins the stamp of codes that a former session left in step


class Replica:
    """What the coordinator knows of one shard at one site. `take` runs inside `database.exclusive()`."""

    def __init__(self, link: Link, database: Database, version: Callable[[], int], shards: int) -> None:
        self.link, self.database, self.version, self.shards = link, database, version, shards
        self.ready: frozenset[Key] = frozenset()  # may be asked
        self.error = "not tried yet"
        self._following: frozenset[Key] = frozenset()  # is told of changes: ready, or about to be
        self._wanted: set[Key] = set()
        self._tried: set[Key] = set()  # loaded, or found to be out of reach, at least once
        self._repeats: dict[Key, list[ShardChange]] = {}
        self._size: dict[Key, int] = {}
        self._changed_codes: dict[Key, int] = {}
        self._stale: set[Key] = set()
        self._news = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    # Asked by searches

    def want(self, keys: set[Key]) -> None:
        """Have these codes loaded, now and whenever the site comes back."""
        with self._news:
            self._wanted |= keys
            if self._thread is None and not self._closing:
                name = f"casebind shard {self.link.shard} at {self.link.site}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()
            self._news.notify_all()

    def wait_ready(self, keys: set[Key], timeout_s: float) -> bool:
        """Wait until these codes are ready, or the first try to load them is over; say whether they are ready."""
        with self._news:
            self._news.wait_for(lambda: self._closing or keys <= self.ready | self._tried, timeout_s)
            return keys <= self.ready

    def failed(self, error: str) -> None:
        """Note that the site did not answer: it is asked nothing more before it is in step again."""
        with self._news:
            self.ready, self._following, self.error = frozenset(), frozenset(), error
            self._news.notify_all()

    # Told by the record

    def apply_change(self, change: ShardChange) -> None:
        """Send a change on, and keep it for what is being loaded."""
        for repeats in self._repeats.values():
            repeats.append(change)
        if not self._following:
            return
        try:
            self.link.apply(change)
        except Exception as error:
            self.failed(error_line(error))
        self._count(change)

    def drop_release(self, release: str) -> None:
        """Stop keeping the codes of a release."""
        with self._news:
            self._wanted = {key for key in self._wanted if key[0] != release}
            self.ready = frozenset(key for key in self.ready if key[0] != release)
            self._following = frozenset(key for key in self._following if key[0] != release)
            self._tried = {key for key in self._tried if key[0] != release}
            self._repeats = {key: found for key, found in self._repeats.items() if key[0] != release}

    def close(self, mark_synced: bool) -> None:
        """End the thread; leave codes that are in step marked as such."""
        ready = self.ready
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)
        try:
            for key in ready if mark_synced else ():
                self.link.mark_synced(
                    key, SYNCED_PREFIX + codes.fingerprint(self.database, key, self.link.shard, self.shards)
                )
        except Unreachable:
            logging.getLogger(__name__).info("Site %s is loaded anew next time.", self.link.site)
        finally:
            self.link.close()

    # The thread

    def _run(self) -> None:
        while not self._closing:
            with self._news:
                self._news.wait_for(lambda: self._closing or self._due())
                due = self._due()
            if self._closing:
                return
            try:
                if not self.ready:
                    self.link.open()
                for key in due:
                    self._load(key)
            except Exception as error:
                self.failed(error_line(error))
                with self._news:
                    self._tried |= due
                    self._news.notify_all()
                    self._news.wait_for(lambda: self._closing, RETRY_S)

    def _due(self) -> set[Key]:
        return (self._wanted - self.ready) | (self._stale & self._wanted)

    def _load(self, key: Key) -> None:
        """Bring one key in step: by finding that it is, or by sending all of it and what changed meanwhile."""
        held = self.link.loaded_version(key)
        own = (key, self.link.shard, self.shards)
        with self.database.exclusive():
            version = self.version()
            if key not in self._stale and held == self.link.version_name(version):
                return self._is_ready(key)
            if (
                held is not None
                and held.startswith(SYNCED_PREFIX)
                and held == SYNCED_PREFIX + codes.fingerprint(self.database, *own)
            ):
                self.link.adopt(key, version)
                return self._is_ready(key)
            self._repeats[key] = []
            reading = contextlib.ExitStack()
            cursor = reading.enter_context(self.database.snapshot())
        try:
            with reading:
                self.link.load(key, version, source.shard_codes(cursor, *own))
            with self.database.exclusive():
                if key not in self._repeats:
                    return None  # forgotten meanwhile
                done = self.link.finish(key, version, self._repeats[key])
                self._following |= {key}
        finally:
            self._repeats.pop(key, None)
        self._size[key], self._changed_codes[key] = _within(done.result, FINISH_S), 0
        if key in self._following:  # no change since then has failed to get through
            self._is_ready(key)
        return None

    def _is_ready(self, key: Key) -> None:
        with self._news:
            self._following |= {key}
            self.ready, self.error = self.ready | {key}, ""
            self._tried.add(key)
            self._stale.discard(key)
            self._news.notify_all()

    def _count(self, change: ShardChange) -> None:
        """Have a snapshot that has changed much loaded anew."""
        if not self.link.prefers_reload:
            return
        for key in self.ready:
            new = change.added.get(key)
            self._changed_codes[key] = (
                self._changed_codes.get(key, 0) + (new.n if new else 0) + int(change.removed.size) // self.shards
            )
            if self._changed_codes[key] >= max(COMPACT_FROM, self._size.get(key, 0) // COMPACT_SHARE):
                with self._news:
                    self._stale.add(key)
                    self._news.notify_all()


def _within(result: Callable[[float], int], seconds: float) -> int:
    try:
        return result(seconds)
    except Late as error:
        raise Unreachable("it did not finish loading in time") from error


def error_line(error: BaseException) -> str:
    """Return the first line of an error's message, for the status."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
