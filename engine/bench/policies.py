"""What policies cost a search: the same queries with and without them, in turn, on one workspace of many codes."""

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
        times: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(rounds):
            for query in asked:
                times["without"].append(_search(workspace, query, alone))
                times["with"].append(_search(workspace, query, ACCOUNT))
    without, with_ = float(np.median(times["without"])), float(np.median(times["with"]))
    return {
        "n": n,
        "classes": CLASSES,
        "without_ms": 1000 * without,
        "with_ms": 1000 * with_,
        "ratio": with_ / without,
        "decisions_ms": 1000 * (decided - started),
        "first_mask_ms": 1000 * (first - decided),
    }


def _search(workspace: Workspace, query: np.ndarray, actor: Actor) -> float:
    """Search once as somebody, and return the seconds that it took."""
    started = time.perf_counter()
    clauses = policies(workspace.database, actor)
    workspace.backend.nearest(RELEASE, {"cxr": CodeQuery(query, K, BITS)}, clauses)
    return time.perf_counter() - started
