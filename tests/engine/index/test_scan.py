"""The compiled scan, one query or many, against brute force and faiss; and the same answers where numba is missing."""

from __future__ import annotations

import subprocess
import sys
import threading

import faiss
import numpy as np
import pytest
from helpers.nearest import top_k

from engine.index.hamming import from_bits, nearest, nearest_of_many, to_bits

SIZES = (0, 1, 63, 64, 65, 1023, 1024, 1025, 3001)


def few_values(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return (4, n) uint64 codes that are near each other, so that most distances are tied."""
    return rng.integers(0, 4, (4, n)).astype(np.uint64)


def by_sorting(codes: np.ndarray, query: np.ndarray, mask: np.ndarray, k: int, bits: int, radius: int) -> list:
    """Sort every permitted code by (distance, position) in plain Python; return the pairs."""
    pairs = [
        (sum(int(a ^ b).bit_count() for a, b in zip(column[: bits // 64], query, strict=False)), place)
        for place, column in enumerate(codes.T.tolist())
        if mask[place]
    ]
    return sorted(pair for pair in pairs if pair[0] <= radius)[:k]


def pairs(found: tuple[np.ndarray, np.ndarray]) -> list:
    return list(zip(found[1].tolist(), found[0].tolist(), strict=True))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("bits", [64, 128, 256])
def test_any_mask_any_k_and_any_radius_with_ties(n: int, bits: int) -> None:
    rng = np.random.default_rng(n + bits)
    for share in (0.0, 0.02, 0.5, 1.0):
        codes, queries, mask = few_values(rng, n), few_values(rng, 5).T, rng.random(n) < share
        for k, radius in ((1, bits), (10, 3), (7, 0), (10, -1), (n + 5, bits)):
            expected = [by_sorting(codes, query.tolist(), mask, k, bits, radius) for query in queries]
            alone = [pairs(nearest(codes, query, k, bits, to_bits(mask), radius)) for query in queries]
            assert alone == expected
            together = nearest_of_many(codes, queries, k, bits, to_bits(mask), radius)
            assert [pairs(found) for found in together] == expected


@pytest.mark.parametrize("bits", [64, 128, 256])
def test_equals_faiss_alone_and_together(bits: int) -> None:
    rng = np.random.default_rng(bits)
    codes = rng.integers(0, 2**64, (4, 20_000), dtype=np.uint64)
    queries = rng.integers(0, 2**64, (9, 4), dtype=np.uint64)
    index = faiss.IndexBinaryFlat(bits)
    index.add(np.ascontiguousarray(codes[: bits // 64].T).view(np.uint8))
    expected, _ = index.search(np.ascontiguousarray(queries[:, : bits // 64]).view(np.uint8), 30)

    together = nearest_of_many(codes, queries, 30, bits)

    assert [found[1].tolist() for found in together] == expected.tolist()
    for query, found in zip(queries, together, strict=True):
        assert pairs(nearest(codes, query, 30, bits)) == pairs(found)
        assert pairs(nearest(codes, query, 5000, bits))[:30] == pairs(found)  # so many are sorted, not kept in a heap


def test_radius_and_k_of_different_groups() -> None:
    rng = np.random.default_rng(3)
    codes, groups = few_values(rng, 400), np.arange(400) // 10
    query = codes[:, 5].copy()
    every = by_sorting(codes, query.tolist(), np.ones(400, bool), 400, 256, 2)
    seen: set[int] = set()
    first = [pair for pair in every if not (groups[pair[1]] in seen or seen.add(groups[pair[1]]))]

    assert pairs(top_k(codes, query, None, 100, 256, groups, 2)) == first
    assert pairs(top_k(codes, query, None, 3, 256, groups, 2)) == first[:3]


def test_masks_are_one_bit_per_code() -> None:
    rng = np.random.default_rng(4)
    for n in SIZES:
        mask = rng.random(n) < 0.5
        assert to_bits(mask).size == -(-n // 64)
        assert np.array_equal(from_bits(to_bits(mask), n), mask)


def test_threads_at_once_get_what_one_gets() -> None:
    rng = np.random.default_rng(5)
    codes, queries = rng.integers(0, 2**64, (4, 30_000), dtype=np.uint64), few_values(rng, 40).T
    expected = [pairs(nearest(codes, query, 20, 128)) for query in queries]
    wrong: list[int] = []

    def ask(offset: int) -> None:
        for i in range(len(queries)):
            turn = (i + offset) % len(queries)
            if pairs(nearest(codes, queries[turn], 20, 128)) != expected[turn]:
                wrong.append(turn)

    threads = [threading.Thread(target=ask, args=(5 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


ASK = """
import sys
{missing}
import numpy as np
from engine.index import hamming
hamming.COMPILED_FROM = 1
rng = np.random.default_rng(6)
codes, queries = rng.integers(0, 2**64, (4, 3000), dtype=np.uint64), rng.integers(0, 2**64, (3, 4), dtype=np.uint64)
allowed = hamming.to_bits(rng.random(3000) < 0.3)
for query in queries:
    print(hamming.nearest(codes, query, 9, 128, allowed)[0].tolist())
print([found[0].tolist() for found in hamming.nearest_of_many(codes, queries, 9, 64, allowed, 25)])
{after}
"""


def run(missing: str = "", after: str = "") -> str:
    code = ASK.format(missing=missing, after=after)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True).stdout


def test_without_numba_the_answers_are_the_same() -> None:
    missing = "sys.modules['numba'] = None"  # any import of it now fails
    assert run(missing, "assert 'engine.index.scan' not in sys.modules") == run()


def test_a_second_process_compiles_nothing() -> None:
    run()
    after = "from engine.index import scan\nprint(sum(map(len, [scan.scan_one.stats.cache_misses, \
scan.scan_many.stats.cache_misses, scan.distances.stats.cache_misses])))"
    assert run(after=after).splitlines()[-1] == "0"
