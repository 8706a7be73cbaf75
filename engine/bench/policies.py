"""What policies cost a search: the same queries with and without them, in turn, on one workspace of many codes.

A search is over in a millisecond or two, so on a machine that does other things its time is that of waiting for a
processor; what the processor itself is busy for stands beside it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from engine.actor import Actor, single_user
from engine.backends.protocol import CodeQuery
from engine.bench.search.fill import RELEASE, fill
from engine.store import bench_rows
from engine.store.permission import policies
from engine.workspace.workspace import Workspace, open_workspace

CLASSES = 64  # of which the last is out of the account's sight
K, BITS, SEED = 10, 256, 0
ACCOUNT = Actor("bench", roles=("teacher",), signed_in=True, use="teaching")


def run(n: int, rounds: int, queries: int) -> dict[str, float]:
    """Return medians of a search in milliseconds, their ratio, and what the first one with policies takes."""
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder, open_workspace(Path(folder) / "ws", create=True) as workspace:
        asked = fill(workspace, rng, n, queries)
        with workspace.database.exclusive():
            with workspace.database.write() as cursor:
                bench_rows.spread_classes(cursor, CLASSES)
            workspace.policies.look_again()
            workspace.snapshots.invalidate_masks()
        alone = single_user()
        _search(workspace, asked[0], alone)
        workspace.snapshots.background.drain()
        started = time.perf_counter()
        assert len(policies(workspace.database, ACCOUNT)) == 2, "consent to teaching, and the classes"
        decided = time.perf_counter()
        _search(workspace, asked[0], ACCOUNT)
        first = time.perf_counter()
        times: dict[str, list[tuple[float, float]]] = {"without": [], "with": []}
        for _ in range(rounds):
            for query in asked:
                times["without"].append(_search(workspace, query, alone))
                times["with"].append(_search(workspace, query, ACCOUNT))
    (without, without_busy), (with_, with_busy) = (np.median(times[one], axis=0) for one in ("without", "with"))
    return {
        "n": n,
        "classes": CLASSES,
        "without_ms": 1000 * float(without),
        "with_ms": 1000 * float(with_),
        "ratio": float(with_ / without),
        "without_processor_ms": 1000 * float(without_busy),
        "with_processor_ms": 1000 * float(with_busy),
        "processor_ratio": float(with_busy / without_busy),
        "decisions_ms": 1000 * (decided - started),
        "first_mask_ms": 1000 * (first - decided),
    }


def _search(workspace: Workspace, query: np.ndarray, actor: Actor) -> tuple[float, float]:
    """Search once as somebody; return the seconds that it took, and for how many of them the processor was busy."""
    started, busy = time.perf_counter(), time.thread_time()
    clauses = policies(workspace.database, actor)
    workspace.backend.nearest(RELEASE, {"cxr": CodeQuery(query, K, BITS)}, clauses)
    return time.perf_counter() - started, time.thread_time() - busy
