"""One Ray cluster and two PostgreSQL servers for all tests of many machines; all on this machine's loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.bench.cluster.nodes import HEALTH, Nodes, Postgres, postgres_nodes, ray_nodes

# A node that waits for a busy processor is not lost; one that was killed refuses the connection at once.
PATIENT = {**HEALTH, "timeout_ms": "20000"}


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """A Ray cluster of the sites north and south."""
    with ray_nodes(("north", "south"), health=PATIENT) as made:
        yield made


@pytest.fixture(scope="session")
def servers() -> Iterator[Postgres]:
    """A PostgreSQL server with pgvector for each of the sites north and south."""
    with postgres_nodes(("north", "south")) as made:
        yield made
