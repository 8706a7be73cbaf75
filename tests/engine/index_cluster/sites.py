"""Real sites on one machine: a Ray cluster of two nodes, PostgreSQL servers with pgvector, and ways to end them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from crowd import RELEASE

from engine.index.backend import Ask
from engine.index.cluster.ray_link import resource
from engine.index.filters import Clause, Filters
from engine.index.setting import IndexSetting, write_setting
from engine.index.workspace import Workspace

STORE_BYTES = 120 << 20  # of each node's object store
FULL_S = 10.0  # from a node's return to full answers


@dataclass
class Nodes:
    """A Ray cluster on the loopback interface with one node per site; "north" is the head."""

    cluster: Any
    nodes: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return "127.0.0.1:" + str(self.cluster.address).rpartition(":")[2]

    def start(self, site: str) -> None:
        self.nodes[site] = self.cluster.add_node(
            num_cpus=1, resources={resource(site): 1}, object_store_memory=STORE_BYTES, include_dashboard=False,
            node_ip_address="127.0.0.1",
        )  # fmt: skip

    def actors(self, site: str) -> list[int]:
        """Return the processes that hold shards at a site."""
        raylet = self.nodes[site].all_processes["raylet"][0].process.pid
        return [pid for pid in children(raylet) if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::Shard")]

    def kill(self, site: str) -> None:
        """End a node as a power cut does: its raylet and every process that it started, with SIGKILL."""
        raylet = self.nodes[site].all_processes["raylet"][0].process.pid
        for pid in [*children(raylet), raylet]:
            end(pid)


def children(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they did."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [*children(child), child]
    return found


def end(pid: int) -> None:
    """Kill a process that may have ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def ray_setting(place: Path, nodes: Nodes, **more: Any) -> None:
    write_setting(place, IndexSetting("ray", ("north", "south"), address=nodes.address, **more))


def found(
    place: Workspace, query: np.ndarray, k: int, bits: int, filters: Filters | None = None, radius: int | None = None,
    own: Clause | None = None,
) -> tuple[list[tuple[int, str]], tuple[str, ...]]:  # fmt: skip
    """Return (distance, study id) of the nearest films as the workspace's backend finds them, and what is missing."""
    clauses = (filters or Filters()).clauses()
    while True:
        answer = place.backend.nearest(RELEASE, {"cxr": Ask(query, k, bits, radius)}, clauses, own)
        hits = answer.hits["cxr"]
        names = place.arrays.names(hits.ordinals)
        if len(names) == hits.ordinals.size:
            break
    near = zip(hits.ordinals.tolist(), hits.distances.tolist(), strict=True)
    return [(far, names[ordinal]) for ordinal, far in near], answer.missing


def until_full(place: Workspace, query: np.ndarray, limit_s: float = FULL_S) -> float:
    """Return the seconds until no site is missing any more; fail after the limit."""
    begun = time.monotonic()
    while found(place, query, 3, 64)[1]:
        assert time.monotonic() - begun < limit_s, "a site is still missing"
        time.sleep(0.05)
    return time.monotonic() - begun
