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
from engine.backends.cluster.mask import Mask, Masks
from engine.backends.cluster.merge import merge
from engine.backends.cluster.messages import NONE, Change, Key, Question, Reply
from engine.backends.cluster.replica import Replica, reason
from engine.backends.protocol import Ask, Found
from engine.backends.setting import IndexSetting
from engine.backends.snapshots import Arrays
from engine.errors import CasebindError
from engine.store.filters import Clause, excluded_sql
from engine.study import Modality

LOAD_S = 600.0  # for the first search to wait until the sites have the codes
HASTY = 2  # times that a question is asked without holding the record still
Replies = dict[tuple[int, Modality], Reply]  # by shard and modality


@dataclass(frozen=True)
class Standing:
    """How one shard stands at one site; `why` is empty where it is in step."""

    site: str
    shard: int
    why: str


class Coordinator:
    """The backend that holds no codes itself. It follows the record and passes every change on."""

    def __init__(self, setting: IndexSetting, arrays: Arrays) -> None:
        self.setting, self.arrays, self.database = setting, arrays, arrays.database
        self.masks = Masks(arrays)
        self._version = 0
        self._wanted: set[Key] = set()
        self._shards: list[list[Replica]] | None = None
        self._leave: Callable[[], None] = lambda: None
        self._opening = threading.Lock()
        self._turn = 0
        arrays.followers.append(self)

    # Searching

    def nearest(
        self, release: str, asks: Mapping[Modality, Ask], clauses: Sequence[Clause], own: Clause | None = None
    ) -> Found:
        """Return the exact merge of what the shards answer within the limit, and the sites that did not answer.

        A change that comes between mask and replies would mix two moments: the question is asked again then, the last
        time with the record held still.
        """
        shards = self._loaded({(release, modality) for modality in asks})
        for _ in range(HASTY):
            before = self._moment()
            found = self._found(shards, release, asks, clauses, own)
            if self._moment() == before:
                return found
        with self.database.exclusive():
            return self._found(shards, release, asks, clauses, own)

    def load(self, release: str, modalities: Sequence[Modality]) -> int:
        """Bring the codes to the sites, as far as they can be reached; return 0, as this process scans none."""
        with suppress(CasebindError):  # the first question says it, and a later one may get through
            self._loaded({(release, modality) for modality in modalities})
        return 0

    def standing(self, release: str, modalities: Sequence[Modality]) -> list[Standing]:
        """Return how every shard stands at every site that should hold it, once each was tried."""
        shards = self._loaded({(release, modality) for modality in modalities})
        return [Standing(one.link.site, one.link.shard, one.why) for held in shards for one in held]

    def close(self) -> None:
        """Leave the sites."""
        with self._opening:
            if self in self.arrays.followers:
                self.arrays.followers.remove(self)
            for replica in [one for held in self._shards or () for one in held]:
                replica.close(resting=True)
            self._shards, leave, self._leave = None, self._leave, lambda: None
            leave()

    # Following the record: inside `database.exclusive()`

    def came(self, release: str | None, study_ids: Sequence[str]) -> None:
        """Pass the codes of studies on to their shards."""
        keys = [key for key in self._wanted if release in (None, key[0])]
        if keys:
            new = source.came(self.database, keys, study_ids, self.setting.parts)
            self._pass_on([Change(self._version + 1, new=rows) for rows in new])

    def left(self, ordinals: np.ndarray) -> None:
        """Have every shard hide studies."""
        self._pass_on([Change(self._version + 1, gone=ordinals)] * self.setting.parts)

    def forgot(self, release: str) -> None:
        """Have every shard drop a release."""
        self._pass_on([Change(self._version + 1, forgotten=release)] * self.setting.parts)
        self._wanted = {key for key in self._wanted if key[0] != release}
        for replica in [one for held in self._shards or () for one in held]:
            replica.forget(release)

    def _pass_on(self, changes: Sequence[Change]) -> None:
        if not self._wanted:
            return
        self._version += 1
        for change, held in zip(changes, self._shards or (), strict=False):
            for replica in held:
                replica.take(change)

    # Asking

    def _moment(self) -> tuple[int, tuple[int, int]]:
        """Return what differs after every change of the record."""
        return self._version, self.arrays.stamp()

    def _found(
        self,
        shards: list[list[Replica]],
        release: str,
        asks: Mapping[Modality, Ask],
        clauses: Sequence[Clause],
        own: Clause | None,
    ) -> Found:
        version, denied = self._version, self._ordinals(own)
        questions = [
            Question((release, into), version, ask.query, ask.k, ask.bits, ask.radius, denied)
            for into, ask in asks.items()
        ]
        replies = self._ask_all(shards, questions, [self.masks.mask(into, clauses) for into in asks])
        hits = {
            into: merge([reply for (_, name), reply in replies.items() if name == into], ask.k)
            for into, ask in asks.items()
        }
        answered = {shard for shard, _ in replies}
        silent = {replica.link.site for i, held in enumerate(shards) if i not in answered for replica in held}
        return Found(hits, tuple(site for site in self.setting.sites if site in silent))

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
            replica.settled(keys, until - time.monotonic())
        return shards

    def _opened(self) -> list[list[Replica]]:
        if self._shards is None:
            with self._opening:
                if self._shards is None:
                    links, self._leave = connect(self.setting)
                    self._shards = [[self._replica(link) for link in held] for held in links]
        return self._shards

    def _replica(self, link: Link) -> Replica:
        return Replica(link, self.database, lambda: self._version, self.setting.parts)

    def _ask_all(self, shards: list[list[Replica]], questions: list[Question], masks: list[Mask]) -> Replies:
        """Ask one replica of every shard; after its share of the limit, the next one where there is one."""
        keys = {one.key for one in questions}
        replies: Replies = {}
        self._turn += 1
        for _ in range(self.setting.replicas):
            asked: dict[Future[list[Reply | None]], tuple[int, Replica]] = {}
            for shard, held in enumerate(shards):
                if (shard, questions[0].key[1]) not in replies:
                    ready = [one for one in held if keys <= one.ready]  # without those that have failed just now
                    if ready:
                        self._send(ready[self._turn % len(ready)], questions, masks, shard, asked)
            wait(asked, timeout=self.setting.limit_s / self.setting.replicas)
            for future, (shard, replica) in asked.items():
                answers = self._received(future, replica)
                replies.update({(shard, one.key[1]): answer for one, answer in zip(questions, answers, strict=False)})
        return replies

    def _send(
        self,
        replica: Replica,
        questions: list[Question],
        masks: list[Mask],
        shard: int,
        asked: dict[Future[list[Reply | None]], tuple[int, Replica]],
    ) -> None:
        try:
            asked[replica.link.ask(questions, masks)] = (shard, replica)
        except Exception as error:
            replica.failed(reason(error))

    def _received(self, future: Future[list[Reply | None]], replica: Replica) -> list[Reply]:
        """Return the replies to all the questions, or none of them: then the replica is no longer in step."""
        if not future.done():
            replica.failed(f"no answer within {self.setting.limit_s:g} s")
            return []
        if future.exception() is not None:
            replica.failed(reason(future.exception() or RuntimeError()))
            return []
        replies = [one for one in future.result() if one is not None]
        if len(replies) < len(future.result()):
            replica.failed("its codes are behind the record")
            return []
        return replies

    def _ordinals(self, own: Clause | None) -> np.ndarray:
        if own is None:
            return NONE
        sql, values = excluded_sql(own)
        return np.asarray(self.database.columns(sql, values)["ordinal"], np.int64)


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
