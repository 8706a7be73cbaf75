"""The search over many sites: every shard is asked at once, what comes in time is merged, what does not is named."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from engine.backends.cluster import source
from engine.backends.cluster.links import Link
from engine.backends.cluster.mask import ShardMask, ShardMasks
from engine.backends.cluster.merge import merge
from engine.backends.cluster.messages import NO_ORDINALS, Key, ShardChange, ShardQuery, ShardReply
from engine.backends.cluster.replica import Replica, error_line
from engine.backends.protocol import CodeQuery, SearchResult
from engine.backends.setting import IndexSetting
from engine.backends.snapshots import SnapshotStore
from engine.errors import CasebindError
from engine.store import permission
from engine.store.filters import Clause
from engine.study import Modality

LOAD_S = 600.0  # for the first search to wait until the sites have the codes
UNLOCKED_ATTEMPTS = 2  # times that a question is asked without holding the record still
Replies = dict[tuple[int, Modality], ShardReply]  # by shard and modality


@dataclass(frozen=True)
class ReplicaStatus:
    """How one shard stands at one site; `why` is empty where it is in step."""

    site: str
    shard: int
    error: str


class Coordinator:
    """The backend that holds no codes itself. It follows the record and passes every change on."""

    def __init__(self, setting: IndexSetting, snapshots: SnapshotStore) -> None:
        self.setting, self.snapshots, self.database = setting, snapshots, snapshots.database
        self.masks = ShardMasks(snapshots)
        self._version = 0
        self._wanted: set[Key] = set()
        self._shards: list[list[Replica]] | None = None
        self._leave: Callable[[], None] = lambda: None
        self._opening = threading.Lock()
        self._turn = 0
        snapshots.listeners.append(self)

    # Searching

    def nearest(
        self, release: str, queries: Mapping[Modality, CodeQuery], clauses: Sequence[Clause], own: Clause | None = None
    ) -> SearchResult:
        """Return the exact merge of what the shards answer within the limit, and the sites that did not answer.

        A change that comes between mask and replies would mix two moments: the question is asked again then, the last
        time with the record held still.
        """
        shards = self._loaded({(release, modality) for modality in queries})
        for _ in range(UNLOCKED_ATTEMPTS):
            before = self._record_version()
            found = self._search(shards, release, queries, clauses, own)
            if self._record_version() == before:
                return found
        with self.database.exclusive():
            return self._search(shards, release, queries, clauses, own)

    def load(self, release: str, modalities: Sequence[Modality]) -> int:
        """Bring the codes to the sites, as far as they can be reached; return 0, as this process scans none."""
        with suppress(CasebindError):  # the first question says it, and a later one may get through
            self._loaded({(release, modality) for modality in modalities})
        return 0

    def status(self, release: str, modalities: Sequence[Modality]) -> list[ReplicaStatus]:
        """Return how every shard stands at every site that should hold it, once each was tried."""
        shards = self._loaded({(release, modality) for modality in modalities})
        return [ReplicaStatus(one.link.site, one.link.shard, one.error) for held in shards for one in held]

    def close(self) -> None:
        """Leave the sites."""
        with self._opening:
            if self in self.snapshots.listeners:
                self.snapshots.listeners.remove(self)
            for replica in [one for held in self._shards or () for one in held]:
                replica.close(mark_synced=True)
            self._shards, leave, self._leave = None, self._leave, lambda: None
            leave()

    # Following the record: inside `database.exclusive()`

    def on_added(self, release: str | None, study_ids: Sequence[str]) -> None:
        """Pass the codes of studies on to their shards."""
        keys = [key for key in self._wanted if release in (None, key[0])]
        if keys:
            new = source.added_codes(self.database, keys, study_ids, self.setting.n_shards)
            self._pass_on([ShardChange(self._version + 1, added=rows) for rows in new])

    def on_removed(self, ordinals: np.ndarray) -> None:
        """Have every shard hide studies."""
        self._pass_on([ShardChange(self._version + 1, removed=ordinals)] * self.setting.n_shards)

    def on_release_dropped(self, release: str) -> None:
        """Have every shard drop a release."""
        self._pass_on([ShardChange(self._version + 1, dropped_release=release)] * self.setting.n_shards)
        self._wanted = {key for key in self._wanted if key[0] != release}
        for replica in [one for held in self._shards or () for one in held]:
            replica.drop_release(release)

    def _pass_on(self, changes: Sequence[ShardChange]) -> None:
        if not self._wanted:
            return
        self._version += 1
        for change, held in zip(changes, self._shards or (), strict=False):
            for replica in held:
                replica.apply_change(change)

    # Asking

    def _record_version(self) -> tuple[int, tuple[int, int]]:
        """Return what differs after every change of the record."""
        return self._version, self.snapshots.version()

    def _search(
        self,
        shards: list[list[Replica]],
        release: str,
        queries: Mapping[Modality, CodeQuery],
        clauses: Sequence[Clause],
        own: Clause | None,
    ) -> SearchResult:
        version, denied = self._version, self._ordinals(own)
        questions = [
            ShardQuery((release, into), version, ask.query, ask.k, ask.bits, ask.radius, denied)
            for into, ask in queries.items()
        ]
        replies = self._ask_all(shards, questions, [self.masks.mask(into, clauses) for into in queries])
        hits = {
            into: merge([reply for (_, name), reply in replies.items() if name == into], ask.k)
            for into, ask in queries.items()
        }
        answered = {shard for shard, _ in replies}
        silent = {replica.link.site for i, held in enumerate(shards) if i not in answered for replica in held}
        return SearchResult(hits, tuple(site for site in self.setting.sites if site in silent))

    def _loaded(self, keys: set[Key]) -> list[list[Replica]]:
        """Return the replicas by shard once each has these codes, or was found to be out of reach."""
        shards = self._opened()
        if not keys <= self._wanted:
            with self.database.exclusive():
                self._wanted |= keys
        replicas = [one for held in shards for one in held if not keys <= one.ready]
        for replica in replicas:
            replica.want(keys)
        until = time.monotonic() + LOAD_S
        for replica in replicas:
            replica.wait_ready(keys, until - time.monotonic())
        return shards

    def _opened(self) -> list[list[Replica]]:
        if self._shards is None:
            with self._opening:
                if self._shards is None:
                    links, self._leave = connect(self.setting)
                    self._shards = [[self._replica(link) for link in held] for held in links]
        return self._shards

    def _replica(self, link: Link) -> Replica:
        return Replica(link, self.database, lambda: self._version, self.setting.n_shards)

    def _ask_all(self, shards: list[list[Replica]], queries: list[ShardQuery], masks: list[ShardMask]) -> Replies:
        """Ask one replica of every shard; after its share of the limit, the next one where there is one."""
        keys = {one.key for one in queries}
        replies: Replies = {}
        self._turn += 1
        for _ in range(self.setting.replicas):
            asked: dict[Future[list[ShardReply | None]], tuple[int, Replica]] = {}
            for shard, held in enumerate(shards):
                if (shard, queries[0].key[1]) not in replies:
                    ready = [one for one in held if keys <= one.ready]  # without those that have failed just now
                    if ready:
                        self._send(ready[self._turn % len(ready)], queries, masks, shard, asked)
            wait(asked, timeout=self.setting.limit_s / self.setting.replicas)
            for future, (shard, replica) in asked.items():
                answers = self._received(future, replica)
                replies.update({(shard, one.key[1]): answer for one, answer in zip(queries, answers, strict=False)})
        return replies

    def _send(
        self,
        replica: Replica,
        queries: list[ShardQuery],
        masks: list[ShardMask],
        shard: int,
        asked: dict[Future[list[ShardReply | None]], tuple[int, Replica]],
    ) -> None:
        try:
            asked[replica.link.ask(queries, masks)] = (shard, replica)
        except Exception as error:
            replica.failed(error_line(error))

    def _received(self, future: Future[list[ShardReply | None]], replica: Replica) -> list[ShardReply]:
        """Return the replies to all the questions, or none of them: then the replica is no longer in step."""
        if not future.done():
            replica.failed(f"no answer within {self.setting.limit_s:g} s")
            return []
        if future.exception() is not None:
            replica.failed(error_line(future.exception() or RuntimeError()))
            return []
        replies = [one for one in future.result() if one is not None]
        if len(replies) < len(future.result()):
            replica.failed("its codes are behind the record")
            return []
        return replies

    def _ordinals(self, own: Clause | None) -> np.ndarray:
        if own is None:
            return NO_ORDINALS
        return permission.excluded(self.database, own)


def connect(setting: IndexSetting) -> tuple[Sequence[Sequence[Link]], Callable[[], None]]:
    """Return the links by shard and replica, and what leaves the sites again.

    Raises UsageError where a package is missing, WorkspaceError where the cluster as a whole does not answer.
    """
    if setting.backend == "ray":
        from engine.backends.cluster.ray_link import RayCluster

        cluster = RayCluster(setting)
        return cluster.links(setting), cluster.close
    from engine.backends.cluster.server_link import Servers

    servers = Servers(setting)
    return servers.links(), servers.close
