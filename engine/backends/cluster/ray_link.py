"""Shards as Ray actors, each at the site whose custom resource it asks for.

A machine joins as a site by `ray start --address … --resources '{"site_north": 1}'`. Ray restarts an actor whose
process or machine was lost as soon as the site is there again; the actor is empty then, and its replica loads it.
Access tokens and TLS are Ray's own (RAY_AUTH_MODE, RAY_USE_TLS) and hold for all that is sent.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any

from engine.backends.cluster.links import Unreachable
from engine.backends.cluster.mask import ShardMask
from engine.backends.cluster.messages import CodeRows, Key, ShardChange, ShardQuery, ShardReply
from engine.backends.cluster.shard import Shard
from engine.backends.setting import IndexSetting
from engine.errors import UsageError, WorkspaceError

FIRST_S = 30.0  # at least, for the first start of an actor, on a machine that may be busy with others' first starts
START_S = 6.0  # for an actor to be back and say so; after that, it is tried again
GIVEN_UP = 4  # tries after which a new actor takes the place of one that Ray does not bring back
KNOCK_S = 3.0  # for a connection to the head
PART_S = 60.0  # for half a million codes to arrive
LARGE = 1 << 16  # bytes of a mask that is put into Ray's object store once, not sent with every question
MAX_CACHED_PUTS = 64
LOOPBACK = ("127.", "localhost:")
_users = 0  # open coordinators of this process, which share one connection
_connection = 0  # counts them
_lock = threading.Lock()


def need_ray(address: str = "auto") -> Any:
    """Return ray; UsageError in one sentence where it is not installed.

    Ray takes 127.0.0.1 for the machine's outer address unless it is told, before it is imported, to stay on loopback.
    """
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # or a lost connection would start a cluster of its own
    if address.startswith(LOOPBACK):
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "The index backend ray needs Ray, which is not installed: run `pip install 'casebind[cluster]'`, or go "
            "back by `casebind cluster use local`."
        ) from error
    return ray


def resource(site: str) -> str:
    """Return the custom resource that a machine of the site offers."""
    return f"site_{site}"


class RayCluster:
    """This process's connection to the cluster, shared by everyone in it."""

    def __init__(self, setting: IndexSetting) -> None:
        global _users
        self.ray, self.address = need_ray(setting.address), setting.address
        self._puts: dict[tuple[int, str], Any] = {}
        with _lock:
            if not self.ray.is_initialized():
                self._connect()
            _users += 1

    def links(self, setting: IndexSetting) -> list[list[RayLink]]:
        """Return, by shard, the links to its replicas."""
        return [
            [RayLink(self, setting.sites[home], shard, setting.limit_s) for home in setting.replica_sites(shard)]
            for shard in range(setting.n_shards)
        ]

    @property
    def connection(self) -> int:
        """Return the number of the connection; actors end with theirs."""
        return _connection

    def present(self, site: str) -> bool:
        """Say whether a machine of the site is in the cluster, as far as Ray knows."""
        self._rejoin()
        return resource(site) in self.ray.cluster_resources()

    def sent(self, mask: ShardMask) -> Any:
        """Return a mask as it is sent: itself, or where the cluster holds it."""
        if mask.nbytes < LARGE:
            return mask
        name = (self.connection, mask.name)
        if name not in self._puts:
            while len(self._puts) >= MAX_CACHED_PUTS:
                self._puts.pop(next(iter(self._puts)), None)
            self._puts[name] = self.ray.put(mask)
        return self._puts[name]

    def close(self) -> None:
        """Leave the cluster with the last one who uses it."""
        global _users
        with _lock:
            self._puts.clear()
            _users -= 1
            if _users == 0 and self.ray.is_initialized():
                self.ray.shutdown()

    def _rejoin(self) -> None:
        """Connect anew where Ray's process on this machine, through which everything goes, was lost."""
        global _connection
        with _lock:
            if self.ray.is_initialized():
                own = self.ray.get_runtime_context().get_node_id()
                if any(node["NodeID"] == own and node["Alive"] for node in self.ray.nodes()):
                    return
                self.ray.shutdown()
            _connection += 1
            self._connect()

    def _connect(self) -> None:
        address = self.address
        try:
            _knock(address)
            self.ray.init(
                address=address,
                namespace="casebind",
                log_to_driver=False,
                configure_logging=False,
                ignore_reinit_error=True,
            )
            _off_standard_output()
        except Exception as error:  # Ray raises a different one for every way in which it does not get through
            raise WorkspaceError(
                f"The Ray cluster at {address} does not answer from this machine: start Ray here by "
                f"`ray start --address {address}`, or go back by `casebind cluster use local`."
            ) from error


def _off_standard_output() -> None:
    """Send what Ray says of lost nodes to the log: it would stand before the one object of `--json`."""
    from ray._private import worker

    worker.print_to_stdstream = _noted  # Ray has no setting for it


def _noted(data: dict[str, Any], *_: Any, **__: Any) -> None:
    logging.getLogger(__name__).warning("Ray says: %s", " ".join(" ".join(data.get("lines", ())).split())[:500])


def _knock(address: str) -> None:
    """Raise OSError where nobody listens, which Ray itself would take minutes to find."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


class RayLink:
    """One shard's actor at one site."""

    prefers_reload = True

    def __init__(self, cluster: RayCluster, site: str, shard: int, limit_s: float) -> None:
        self.cluster, self.site, self.shard, self.limit_s = cluster, site, shard, limit_s
        self._first_s = max(FIRST_S, limit_s)  # who waits so long for an answer waits so long for a start
        self._actor: Any = None
        self._connection = cluster.connection
        self._failures = 0
        self._was_there = False

    def open(self) -> None:
        """Start the actor, or wait for Ray to have it back."""
        if not self.cluster.present(self.site):
            raise Unreachable(f"no machine offers the resource {resource(self.site)}")
        if self._actor is None or self._connection != self.cluster.connection:
            self._connection, self._actor = self.cluster.connection, self._start()
        try:
            self._answer(self._actor.version.remote(("", "cxr")), START_S if self._was_there else self._first_s)
        except Unreachable:
            self._failures += 1
            if self._failures >= GIVEN_UP:
                self._drop()
            raise
        self._failures, self._was_there = 0, True

    def loaded_version(self, key: Key) -> str | None:
        """Return the version of the actor's codes as a stamp."""
        version = self._answer(self._actor.version.remote(key), max(START_S, self.limit_s))
        return None if version is None else self.version_name(version)

    def version_name(self, version: int) -> str:
        """Return the version: an actor lives no longer than the session."""
        return str(version)

    def adopt(self, key: Key, version: int) -> None:
        """Never asked for: an actor holds nothing of a former session."""
        raise Unreachable("an actor holds nothing of a former session")

    def load(self, key: Key, version: int, parts: Iterable[CodeRows]) -> None:
        """Send the codes, one part behind the other, so that no more than one is on its way."""
        self._answer(self._actor.begin.remote(key), PART_S)
        for rows in parts:
            self._answer(self._actor.part.remote(key, rows), PART_S)

    def finish(self, key: Key, version: int, repeats: Sequence[ShardChange]) -> Future[int]:
        """Have the actor put the codes in place."""
        found: Future[int] = self._actor.finish.remote(key, version, list(repeats)).future()
        return found

    def apply(self, change: ShardChange) -> None:
        """Send a change; the actor follows it before it answers what is asked later."""
        self._actor.apply.remote(change)

    def ask(self, queries: Sequence[ShardQuery], masks: Sequence[ShardMask]) -> Future[list[ShardReply | None]]:
        """Send questions with their masks."""
        found: Future[list[ShardReply | None]] = self._actor.ask.remote(
            list(queries), *(self.cluster.sent(mask) for mask in masks)
        ).future()
        return found

    def mark_synced(self, key: Key, fingerprint: str) -> None:
        """Nothing outlives the session."""
        return

    def close(self) -> None:
        """End the actor: no code of a patient stays at the site."""
        self._drop()

    def _start(self) -> Any:
        options = {"num_cpus": 0, "resources": {resource(self.site): 0.001}, "max_restarts": -1}
        return self.cluster.ray.remote(Shard).options(**options).remote()

    def _drop(self) -> None:
        actor, self._actor, self._failures = self._actor, None, 0
        if actor is not None and self.cluster.ray.is_initialized() and self._connection == self.cluster.connection:
            self.cluster.ray.kill(actor, no_restart=True)

    def _answer(self, reference: Any, seconds: float) -> Any:
        try:
            return reference.future().result(timeout=seconds)
        except Late as error:
            raise Unreachable(f"no answer within {seconds:g} s") from error
        except self.cluster.ray.exceptions.RayError as error:
            raise Unreachable(type(error).__name__) from error
