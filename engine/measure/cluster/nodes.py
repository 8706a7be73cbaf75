"""A real Ray cluster on one machine's loopback: a node per site, started, killed as by a power cut, started again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.index.cluster.ray_link import need_ray, resource

LOOPBACK = "127.0.0.1"
STORE_BYTES = 160 << 20  # of a node's object store, unless said otherwise
# A lost node is noticed after about two seconds in place of Ray's quarter of a minute. The head reads it as it starts.
HEALTH = {"initial_delay_ms": "1000", "period_ms": "500", "timeout_ms": "1000", "failure_threshold": "3"}


class Nodes:
    """A cluster whose first node is the head."""

    def __init__(self, cluster: Any, store_bytes: int) -> None:
        self.cluster, self.store_bytes = cluster, store_bytes
        self._nodes: dict[str, Any] = {}

    @property
    def address(self) -> str:
        """Return host:port of the head."""
        return f"{LOOPBACK}:{str(self.cluster.address).rpartition(':')[2]}"

    def start(self, site: str) -> None:
        """Have a node of this site join."""
        self._nodes[site] = self.cluster.add_node(
            num_cpus=1, resources={resource(site): 1}, object_store_memory=self.store_bytes, include_dashboard=False,
            node_ip_address=LOOPBACK,
        )  # fmt: skip

    def actors(self, site: str) -> list[int]:
        """Return the processes that hold shards at a site."""
        return [pid for pid in _started_by(self._raylet(site)) if _command(pid).startswith(b"ray::Shard")]

    def kill(self, site: str) -> None:
        """End a node's raylet and every process that it started, by SIGKILL."""
        raylet = self._raylet(site)
        for pid in [*_started_by(raylet), raylet]:
            end(pid)

    def _raylet(self, site: str) -> int:
        return int(self._nodes[site].all_processes["raylet"][0].process.pid)


@contextmanager
def ray_nodes(sites: tuple[str, ...], store_bytes: int = STORE_BYTES, health: bool = True) -> Iterator[Nodes]:
    """Start a cluster with a node per site and end it; UsageError where Ray is not installed.

    health : notice a lost node early, as the README advises; False leaves Ray's own pace
    """
    os.environ.update({f"RAY_health_check_{name}": value for name, value in HEALTH.items()} if health else {})
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    need_ray(f"{LOOPBACK}:0")
    from ray.cluster_utils import Cluster

    nodes = Nodes(Cluster(), store_bytes)
    try:
        for site in sites:
            nodes.start(site)
        yield nodes
    finally:
        nodes.cluster.shutdown()


def end(pid: int) -> None:
    """Kill a process, unless it has ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _started_by(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they did."""
    found: list[int] = []
    with suppress(OSError):  # it may end meanwhile
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, task.read_text().split()):
                found += [*_started_by(child), child]
    return found


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
