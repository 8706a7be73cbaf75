"""One workspace searched here and at two sites: whether the answers are equal, and what they and a loss cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends.cluster.coordinator import Coordinator
from engine.backends.local import LocalBackend
from engine.backends.protocol import Backend, CodeQuery, SearchResult
from engine.backends.setting import IndexSetting
from engine.bench.cluster.nodes import HEALTH, postgres_nodes, ray_nodes
from engine.bench.search.fill import RELEASE, fill
from engine.store.filters import Clause, Filters
from engine.workspace.workspace import open_workspace

SITES = ("north", "south")
SEED = 21
OWN = Clause("s.patient_id <> ?", ("p7",), "patients other than the query's own")
FILTERS = {"no filter": Filters(), "half": Filters(age_min=55), "few": Filters(age_min=30, age_max=30)}
PATIENCE_S = 120.0  # for a site to be back, after which the benchmark says that it is not


@dataclass(frozen=True)
class ClusterBenchPlan:
    """What to measure: codes, code length, neighbours, queries per filter, shards, replicas, limit in seconds."""

    n: int
    bits: int = 128
    k: int = 10
    queries: int = 20
    shards: int = 2
    replicas: int = 1
    limit_s: float = 2.0
    health: bool = True
    backend: str = "ray"


def run(plan: ClusterBenchPlan, folder: Path, on_progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Return the object that `bench cluster --json` prints; `folder` is empty and holds the workspace."""
    sites = (
        postgres_nodes(SITES) if plan.backend == "pgvector" else ray_nodes(SITES, health=HEALTH if plan.health else {})
    )
    with open_workspace(folder / "workspace", create=True) as place, sites as nodes:
        on_progress(f"filling a workspace with {plan.n:,} codes")
        queries = fill(place, np.random.default_rng(SEED), plan.n, plan.queries)
        setting = IndexSetting(
            plan.backend, SITES, nodes.address, nodes.servers, plan.shards, plan.replicas, plan.limit_s
        )
        local, cluster = LocalBackend(place.snapshots), Coordinator(setting, place.snapshots)
        try:
            on_progress("loading the codes here and at two sites")
            loads = {name: _timed(partial(one.load, RELEASE, ("cxr",)))[1] for name, one in _both(local, cluster)}
            asked = _QuerySet(plan, queries)
            figures = asked.compare(local, cluster)
            on_progress("killing a node, and starting it again")
            figures |= {**_lost(asked, cluster, nodes), "exact_after": asked.compare(local, cluster)["exact"]}
        finally:
            cluster.close()
    stated = {
        "backend": plan.backend,
        "n": plan.n,
        "bits": plan.bits,
        "k": plan.k,
        "nodes": len(SITES),
        "shards": plan.shards,
    }
    return {
        **stated,
        "replicas": plan.replicas,
        "limit_s": plan.limit_s,
        "load_local_s": loads["local"],
        "load_cluster_s": loads["cluster"],
        **figures,
    }


def as_table(result: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    equal = "equal" if result["exact"] and result["exact_after"] else "NOT EQUAL"
    rows = [
        f"{result['n']:,} codes of {result['bits']} bits, {result['backend']} on {result['nodes']} nodes, "
        f"{result['shards']} shards; answers here and there: {equal} ({result['compared']} compared)",
        *(
            f"  {name:<10}{row['cluster_ms']:>9.2f} ms  {row['ratio']:.1f} x the local {row['local_ms']:.2f} ms"
            for name, row in result["filters"].items()
        ),
        f"  a node is killed: answer after {result['killed_answer_s']:.2f} s (limit {result['limit_s']:g} s), "
        f"missing {', '.join(result['missing_sites']) or 'nobody'}; the next one after {result['next_answer_s']:.3f} s",
        f"  the node returns: full answers after {result['full_again_s']:.1f} s",
    ]
    return "\n".join(rows)


class _QuerySet:
    """The questions of a plan, under every filter."""

    def __init__(self, plan: ClusterBenchPlan, queries: np.ndarray) -> None:
        self.plan, self.queries = plan, queries

    def ask(self, backend: Backend, query: np.ndarray, filters: Filters) -> SearchResult:
        """Ask one question, without the studies of one patient."""
        return backend.nearest(RELEASE, {"cxr": CodeQuery(query, self.plan.k, self.plan.bits)}, filters.clauses(), OWN)

    def compare(self, local: Backend, cluster: Backend) -> dict[str, Any]:
        """Return whether all answers are equal, and the medians of both searches, taken in turn."""
        exact, incomplete, filters = True, 0, {}
        for name, chosen in FILTERS.items():
            taken: dict[str, list[float]] = {"local": [], "cluster": []}
            for query in [self.queries[0], *self.queries]:  # the first once more, as it makes the masks
                answers = []
                for side, backend in _both(local, cluster):
                    begun = time.perf_counter()
                    answers.append(self.ask(backend, query, chosen))
                    taken[side].append(1000 * (time.perf_counter() - begun))
                exact &= _equal(*answers)
                incomplete += bool(answers[1].missing)
            here, there = (float(np.median(taken[side][1:])) for side in ("local", "cluster"))
            filters[name] = {"local_ms": here, "cluster_ms": there, "ratio": there / here}
        compared = len(FILTERS) * (len(self.queries) + 1)
        return {"exact": exact, "compared": compared, "incomplete": incomplete, "filters": filters}


def _lost(query_set: _QuerySet, cluster: Coordinator, nodes: Any) -> dict[str, Any]:
    """Kill the second node and bring it back; return what was answered after how long."""
    nodes.kill(SITES[1])
    first, first_s = _timed(lambda: query_set.ask(cluster, query_set.queries[0], Filters()))
    _, next_s = _timed(lambda: query_set.ask(cluster, query_set.queries[0], Filters()))
    nodes.start(SITES[1])
    begun = time.perf_counter()
    while query_set.ask(cluster, query_set.queries[0], Filters()).missing and time.perf_counter() - begun < PATIENCE_S:
        time.sleep(0.05)
    return {
        "killed_answer_s": first_s,
        "missing_sites": list(first.missing),
        "next_answer_s": next_s,
        "full_again_s": time.perf_counter() - begun,
    }


def _equal(a: SearchResult, b: SearchResult) -> bool:
    pairs = [(a.hits["cxr"].ordinals, b.hits["cxr"].ordinals), (a.hits["cxr"].distances, b.hits["cxr"].distances)]
    return not a.missing and not b.missing and all(np.array_equal(one, other) for one, other in pairs)


def _both(local: Backend, cluster: Backend) -> tuple[tuple[str, Backend], tuple[str, Backend]]:
    return ("local", local), ("cluster", cluster)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    found = work()
    return found, time.perf_counter() - begun
