"""The searches that are compared: each is built once and then asked one query at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.index.autotune import IndexChoice, choose_index
from engine.index.code_columns import Columns
from engine.index.flat import need_faiss
from engine.index.hamming import compiled, nearest, nearest_of_many, to_bits
from engine.index.snapshot import Base

if TYPE_CHECKING:
    import duckdb

Ask = Callable[[np.ndarray], np.ndarray]  # (4,) uint64 query → distances, (≤k,) int64, nearest first
MULTI_HASH_BITS = 20  # per hash of faiss's IndexBinaryMultiHash, and one bit of each may differ
MULTI_HASHES = 3
IVF_PROBES = 16  # lists visited
IVF_TRAINING = 40  # codes per list on which the lists are trained
FILTER_SHARE = 0.001
FILTERED, FLOOR = "scan, 0.1 % filter", "read once"  # answer another question than the others


@dataclass(frozen=True, eq=False)
class Engine:
    """One search: its name, how to ask it, and the memory it holds beside the codes, in bytes (None: not known)."""

    name: str
    ask: Ask
    bytes_held: int | None = None


def single_threaded_faiss() -> Any:
    """Return faiss, which from now on uses one thread, as our search does; UsageError where it is missing."""
    faiss = need_faiss()
    faiss.omp_set_num_threads(1)
    return faiss


def packed(words: np.ndarray, bits: int) -> np.ndarray:
    """Return (n, bits / 8) uint8 rows of (4, n) uint64 columns, as faiss takes them."""
    return np.ascontiguousarray(words[: bits // 64].T).view(np.uint8)


def ours(codes: np.ndarray, bits: int, k: int, rng: np.random.Generator) -> tuple[list[Engine], list[IndexChoice]]:
    """Return the app's search, the scan alone, the scan under a 0.1 % filter and the floor, and what was measured."""
    n = codes.shape[1]
    base = Base(Columns(codes, np.arange(n), np.arange(n)))
    choices = choose_index(base, rng, (bits,))
    everything = to_bits(np.ones(n, bool))
    few = to_bits(np.asarray(rng.random(n) < FILTER_SHARE))
    index = base.index
    engines = [
        Engine("ours", lambda q: base.nearest(q, k, bits, everything, n)[1], index.nbytes if index else 0),
        Engine("scan", lambda q: nearest(codes, q, k, bits)[1], 0),
        Engine(FILTERED, lambda q: nearest(codes, q, k, bits, few)[1], 0),
        Engine(FLOOR, reading(codes, bits), 0),
    ]
    return engines, choices


def reading(codes: np.ndarray, bits: int) -> Ask:
    """Return what reads the codes from memory once and computes next to nothing."""
    values, kernels = codes[: bits // 64].reshape(-1), compiled(1 << 30)
    read = np.bitwise_xor.reduce if kernels is None else kernels.read_once
    return lambda _: np.array([read(values)])


def flat_index(rows: np.ndarray, bits: int) -> Any:
    """Return faiss's exact scan over (n, bits / 8) uint8 rows, of which it makes a copy."""
    index = single_threaded_faiss().IndexBinaryFlat(bits)
    index.add(rows)
    return index


def faiss_flat(index: Any, bits: int, k: int) -> Engine:
    """Return faiss's exact scan."""
    return Engine("faiss flat", _asked_of(index, bits, k), index.ntotal * bits // 8)


def faiss_multi_hash(rows: np.ndarray, bits: int, k: int) -> Engine:
    """Return faiss's multi-hash: approximate, as it looks no further than one bit per hash."""
    index = single_threaded_faiss().IndexBinaryMultiHash(
        bits, min(MULTI_HASHES, bits // MULTI_HASH_BITS), MULTI_HASH_BITS
    )
    index.nflip = 1
    index.add(rows)
    return Engine("faiss multi-hash", _asked_of(index, bits, k))


def faiss_ivf(rows: np.ndarray, bits: int, k: int) -> Engine:
    """Return faiss's inverted lists: approximate, as it visits IVF_PROBES of them."""
    faiss = single_threaded_faiss()
    lists = max(1, int(len(rows) ** 0.5))
    quantiser = faiss.IndexBinaryFlat(bits)
    index = faiss.IndexBinaryIVF(quantiser, bits, lists)
    index.cp.niter = 5
    index.cp.min_points_per_centroid = 1
    index.train(rows[:: max(1, len(rows) // (IVF_TRAINING * lists))])
    index.add(rows)
    index.nprobe = IVF_PROBES
    ask = _asked_of(index, bits, k)
    return Engine("faiss IVF", lambda query, _keep=quantiser: ask(query))  # type: ignore[misc]


def duckdb_sql(codes: np.ndarray, bits: int, k: int) -> Engine:
    """Return DuckDB's own answer by `bit_count`, on one thread."""
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    words = range(bits // 64)
    frame = {f"w{word}": codes[word] for word in words}
    connection.register("columns", _frame(frame))
    connection.execute("CREATE TABLE codes AS SELECT * FROM columns")
    connection.unregister("columns")
    # bit_count is a TINYINT, whose sum over words would overflow.
    distance = " + ".join(f"bit_count(xor(w{word}, ?::UBIGINT))::INTEGER" for word in words)
    sql = f"SELECT {distance} AS distance FROM codes ORDER BY distance LIMIT {k}"

    def ask(query: np.ndarray, connection: duckdb.DuckDBPyConnection = connection) -> np.ndarray:
        return np.asarray(connection.execute(sql, query[: bits // 64].tolist()).fetchnumpy()["distance"])

    return Engine("DuckDB SQL", ask)


def ours_together(codes: np.ndarray, queries: np.ndarray, bits: int, k: int) -> Callable[[], object]:
    """Return the batched scan of all queries."""
    return lambda: nearest_of_many(codes, queries, k, bits)


def faiss_together(index: Any, queries: np.ndarray, bits: int, k: int) -> Callable[[], object]:
    """Return faiss's exact scan of all queries."""
    asked = np.ascontiguousarray(queries[:, : bits // 64]).view(np.uint8)
    return lambda: index.search(asked, k)


def _asked_of(index: Any, bits: int, k: int) -> Ask:
    def ask(query: np.ndarray) -> np.ndarray:
        distances, _ = index.search(np.ascontiguousarray(query[: bits // 64]).view(np.uint8)[None], k)
        found: np.ndarray = distances[0][(distances[0] >= 0) & (distances[0] <= bits)]
        return found

    return ask


def _frame(columns: dict[str, np.ndarray]) -> Any:
    import pandas as pd

    return pd.DataFrame(columns, copy=False)
