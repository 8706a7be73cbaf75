"""Our search beside its peers in one run: everything is timed in turn, round after round, and ratios are of one round.

Absolute times depend on what else the machine does; the ratio of two searches that took turns hardly does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.bench.search import draws, engines
from engine.bench.search.engines import Engine
from engine.index.code_columns import Columns

PEERS = ("multihash", "ivf", "duckdb")
BUILDERS: dict[str, Callable[[np.ndarray, np.ndarray, int, int], Engine]] = {
    "multihash": lambda codes, rows, bits, k: engines.faiss_multi_hash(rows, bits, k),
    "ivf": lambda codes, rows, bits, k: engines.faiss_ivf(rows, bits, k),
    "duckdb": lambda codes, rows, bits, k: engines.duckdb_sql(codes, bits, k),
}
BATCH = 64
MAX_BATCH_CODES = 2_000_000  # codes up to which a batch is timed as well
SEED = 20
APART = (engines.FILTERED, engines.FLOOR)


@dataclass(frozen=True)
class SearchBenchPlan:
    """What to time: sizes (codes), code length, neighbours, rounds, queries per round, further peers."""

    sizes: tuple[int, ...]
    bits: int = 256
    k: int = 10
    rounds: int = 5
    queries: int = 10
    peers: tuple[str, ...] = PEERS


@dataclass
class SearchTiming:
    """One search on one set of codes.

    ms     : median per query; rounds: median of each round
    recall : share of the neighbours that are as near as the exact ones, 0..1; None where others are asked for
    """

    name: str
    ms: float
    rounds: list[float] = field(repr=False)
    recall: float | None
    bytes_held: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "engine": self.name,
            "ms": round(self.ms, 4),
            "recall": None if self.recall is None else round(self.recall, 4),
            "bytes_beside_the_codes": self.bytes_held,
        }


def run(
    plan: SearchBenchPlan, stored: Sequence[Columns], on_progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the object that `bench search --json` prints: the first and largest uniform figures, then all sets.

    stored : the workspace's codes by modality; empty leaves the learned codes out
    """
    engines.single_threaded_faiss()
    sets = []
    for n in plan.sizes:
        for name in ("uniform", "clustered", *(["learned"] if stored else [])):
            on_progress(f"{n:,} {name} codes of {plan.bits} bits")
            sets.append(_one_set(plan, name, n, stored))
    largest = max(plan.sizes)
    first = next(one for one in sets if one["n"] == largest and one["data"] == "uniform")
    names = ("ours_ms", "faiss_flat_ms", "ratio_vs_faiss_flat", "floor_ms", "ratio_vs_floor")
    return {
        "n": largest,
        "bits": plan.bits,
        "k": plan.k,
        "threads": 1,
        "data": "uniform",
        "rounds": plan.rounds,
        "queries": plan.queries,
        **{name: first[name] for name in names},
        "sets": sets,
    }


def _one_set(plan: SearchBenchPlan, name: str, n: int, stored: Sequence[Columns]) -> dict[str, Any]:
    """Draw one set of codes, build every search on it, and time them in turn."""
    rng = np.random.default_rng([SEED, n])
    if name == "learned":
        drawn = draws.enlarged(rng, stored, n, plan.queries)
    else:
        drawn = (draws.uniform if name == "uniform" else draws.clustered)(rng, n, plan.queries)
    begun = time.perf_counter()
    built, choices = engines.ours(drawn.codes, plan.bits, plan.k, rng)
    built_s = time.perf_counter() - begun
    rows = engines.packed(drawn.codes, plan.bits)
    flat = engines.flat_index(rows, plan.bits)
    built.append(engines.faiss_flat(flat, plan.bits, plan.k))
    built += [BUILDERS[peer](drawn.codes, rows, plan.bits, plan.k) for peer in plan.peers]
    del rows
    timed = timed_in_turn(built, drawn.queries, plan.rounds, "faiss flat", plan.k)
    chosen = "multi-index" if built[0].bytes_held else "scan"
    return {
        "data": name,
        "n": n,
        "bits": plan.bits,
        "origin": drawn.origin,
        "chosen": chosen,
        "choose_and_build_s": round(built_s, 2),
        "bytes_of_codes": drawn.codes[: plan.bits // 64].nbytes,
        "measured": [
            {"scan_ms": round(one.scan_s * 1000, 4), "index_ms": round(one.index_s * 1000, 4), "used": one.gains}
            for one in choices
        ],
        "engines": [one.as_dict() for one in timed.values()],
        **ratios(timed),
        **(_batch(plan, drawn, flat) if n <= MAX_BATCH_CODES else {}),
    }


def timed_in_turn(built: list[Engine], queries: np.ndarray, rounds: int, exact: str, k: int) -> dict[str, SearchTiming]:
    """Return the searches by name after `rounds` rounds in which each answers every query; one more goes before."""
    seconds: dict[str, list[list[float]]] = {engine.name: [] for engine in built}
    answers: dict[str, list[np.ndarray]] = {}
    for turn in range(rounds + 1):
        for engine in built[turn % len(built) :] + built[: turn % len(built)]:  # nobody always finds a warm cache
            taken, found = [], []
            for query in queries:
                begun = time.perf_counter()
                found.append(engine.ask(query))
                taken.append(time.perf_counter() - begun)
            answers[engine.name] = found
            if turn:
                seconds[engine.name].append(taken)
    return {
        engine.name: SearchTiming(
            engine.name,
            float(np.median(seconds[engine.name])) * 1000,
            [float(np.median(taken)) * 1000 for taken in seconds[engine.name]],
            None if engine.name in APART else recall(answers[engine.name], answers[exact], k),
            engine.bytes_held,
        )
        for engine in built
    }


def recall(neighbours: list[np.ndarray], exact: list[np.ndarray], k: int) -> float:
    """Return the share of the k nearest distances of `exact`, k each, that were found."""
    hits = [
        np.count_nonzero(np.sort(one)[: len(true)] <= true[-1]) / len(true)
        for one, true in zip(neighbours, exact, strict=True)
        if len(true)
    ]
    return float(np.mean(hits)) if hits and k else 1.0


def ratios(timed: dict[str, SearchTiming]) -> dict[str, float]:
    """Return the contract's figures: medians over the rounds of the ratio within a round."""

    def ratio(other: str, one: str) -> float:
        pairs = zip(timed[other].rounds, timed[one].rounds, strict=True)
        return round(float(np.median([b / a for b, a in pairs])), 3)

    return {
        "ours_ms": round(timed["ours"].ms, 4),
        "scan_ms": round(timed["scan"].ms, 4),
        "faiss_flat_ms": round(timed["faiss flat"].ms, 4),
        "floor_ms": round(timed[engines.FLOOR].ms, 4),
        "ratio_vs_faiss_flat": ratio("faiss flat", "ours"),
        "scan_ratio_vs_faiss_flat": ratio("faiss flat", "scan"),
        "ratio_vs_floor": ratio("ours", engines.FLOOR),
        "scan_ratio_vs_floor": ratio("scan", engines.FLOOR),
        "ours_ratio_vs_scan": ratio("ours", "scan"),
        "filter_ratio_vs_scan": ratio(engines.FILTERED, "scan"),
    }


def _batch(plan: SearchBenchPlan, drawn: draws.CodeSet, flat: Any) -> dict[str, float]:
    """Return the times of BATCH queries at once, ours and faiss's, and their ratio."""
    queries = np.resize(drawn.queries, (BATCH, drawn.queries.shape[1]))
    both = [
        engines.ours_together(drawn.codes, queries, plan.bits, plan.k),
        engines.faiss_together(flat, queries, plan.bits, plan.k),
    ]
    taken = np.empty((plan.rounds + 1, 2))
    for turn in range(plan.rounds + 1):
        for place, ask in enumerate(both):
            begun = time.perf_counter()
            ask()
            taken[turn, place] = time.perf_counter() - begun
    mine, theirs = (1000 * np.median(taken[1:], axis=0)).tolist()
    return {
        "batch": BATCH,
        "batch_ours_ms": round(mine, 3),
        "batch_faiss_flat_ms": round(theirs, 3),
        "batch_ratio_vs_faiss_flat": round(float(np.median(taken[1:, 1] / taken[1:, 0])), 3),
    }
