"""Multi-index hashing returns what the scan returns, or says that its budget is spent."""

from __future__ import annotations

import threading

import faiss
import numpy as np
import pytest

from engine.index.hamming import nearest, to_bits
from engine.index.multi_index import build, cuts_for, min_work


def clustered(rng: np.random.Generator, n: int, centres: int = 12, flips: float = 0.06) -> np.ndarray:
    """Return (4, n) uint64 codes in clusters."""
    middle = rng.random((centres, 256)) < 0.5
    bits = middle[rng.integers(0, centres, n)] ^ (rng.random((n, 256)) < flips)
    return np.ascontiguousarray(np.packbits(bits, axis=1, bitorder="little").view("<u8").T)


def few_values(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return (4, n) uint64 codes with most distances tied."""
    return rng.integers(0, 4, (4, n)).astype(np.uint64)


def same(one: tuple, other: tuple) -> bool:
    return np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])


@pytest.mark.parametrize("bits", [64, 128, 256])
@pytest.mark.parametrize("draw", [clustered, few_values])
def test_equals_the_scan_with_any_mask_any_k_and_any_radius(draw, bits: int) -> None:
    rng = np.random.default_rng(bits)
    for n in (1, 2, 65, 3000):
        codes = draw(rng, n)
        index = build(codes, 256)
        for number in range(6):
            query = codes[:, rng.integers(n)] ^ np.uint64((1 << number) - 1)
            for share, k, radius in ((1.0, 10, None), (0.4, 7, None), (0.0, 3, 20), (1.0, n + 3, 12), (0.9, 4, 0)):
                allowed = to_bits(rng.random(n) < share)
                found, _ = index.nearest(codes, query, k, bits, allowed, radius)
                assert same(found, nearest(codes, query, k, bits, allowed, radius))


@pytest.mark.parametrize("bits", [64, 128, 256])
def test_equals_faiss(bits: int) -> None:
    rng = np.random.default_rng(bits)
    codes = clustered(rng, 20_000)
    index, oracle = build(codes, bits), faiss.IndexBinaryFlat(bits)
    oracle.add(np.ascontiguousarray(codes[: bits // 64].T).view(np.uint8))
    for number in range(5):
        query = codes[:, number].copy()
        expected, _ = oracle.search(query[: bits // 64].view(np.uint8)[None], 10)
        assert index.nearest(codes, query, 10, bits)[0][1].tolist() == expected[0].tolist()


def test_a_spent_budget_is_said_and_the_work_of_an_answer_is_enough_for_it() -> None:
    rng = np.random.default_rng(1)
    codes = clustered(rng, 5000)
    index, query = build(codes, 128), codes[:, 3].copy()
    found, work = index.nearest(codes, query, 10, 128)
    assert found is not None
    assert same(index.nearest(codes, query, 10, 128, budget=work)[0], found)
    nothing, spent = index.nearest(codes, query, 10, 128, budget=work - 1)
    assert nothing is None
    assert spent > work - 1


def test_a_prefix_of_the_tables_serves_the_shorter_code() -> None:
    rng = np.random.default_rng(2)
    codes = clustered(rng, 4000)
    index, query = build(codes, 256), codes[:, 9].copy()
    short = index.prefix(64)
    assert (index.bits, short.bits) == (256, 64)
    assert short.nbytes * 4 == index.nbytes
    assert same(short.nearest(codes, query, 12, 64)[0], index.nearest(codes, query, 12, 64)[0])


def test_threads_share_the_tables() -> None:
    rng = np.random.default_rng(3)
    codes = clustered(rng, 6000)
    index = build(codes, 128)
    expected = [nearest(codes, codes[:, i].copy(), 9, 128) for i in range(30)]
    wrong: list[int] = []

    def ask() -> None:
        for i in range(30):
            if not same(index.nearest(codes, codes[:, i].copy(), 9, 128)[0], expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_pieces_cover_a_word_and_buckets_are_hardly_more_than_codes() -> None:
    for n in (1, 100, 65_536, 1_000_000, 10_000_000, 10**9):
        cuts = cuts_for(n)
        assert (cuts[0], cuts[-1]) == (0, 64)
        assert np.all(np.diff(cuts) > 0) and 2 ** int(np.diff(cuts).max()) <= 1.5 * max(n, 2)
    assert min_work(10_000_000, 4, 64) < 2000
    assert min_work(10_000_000, 85, 256) > 1e6
