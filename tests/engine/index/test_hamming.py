"""Exact search against two oracles: numpy by brute force, and faiss."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from helpers.nearest import top_k

from engine.index import hamming
from engine.index.hamming import all_distances, compiled_kernel, words_of


def random_codes(rng: np.random.Generator, n: int, centres: int = 20, flips: float = 0.05) -> np.ndarray:
    """Return (n, 32) packed codes in clusters, so that ties are frequent."""
    middle = rng.random((centres, 256)) < 0.5
    bits = middle[rng.integers(0, centres, n)] ^ (rng.random((n, 256)) < flips)
    return np.packbits(bits, axis=1, bitorder="little")


def brute_force(packed: np.ndarray, query: np.ndarray, mask: np.ndarray, k: int, bits: int) -> tuple[list, list]:
    """Sort every permitted code by (distance, position), with unpacked bits and plain Python."""
    unpacked = np.unpackbits(packed, axis=1, bitorder="little")[:, :bits]
    wanted = np.unpackbits(query, bitorder="little")[:bits]
    pairs = sorted((int((row != wanted).sum()), place) for place, row in enumerate(unpacked) if mask[place])[:k]
    return [place for _, place in pairs], [far for far, _ in pairs]


@pytest.mark.parametrize("bits", [64, 128, 256])
@pytest.mark.parametrize("share", [1.0, 0.3, 0.002])
def test_equals_brute_force_with_any_mask(bits: int, share: float) -> None:
    rng = np.random.default_rng(bits)
    packed, query = random_codes(rng, 3000), random_codes(rng, 1)
    mask = rng.random(3000) < share
    words = np.ascontiguousarray(words_of(packed).T)

    places, distances = top_k(words, words_of(query)[0], mask, 25, bits)

    assert (places.tolist(), distances.tolist()) == brute_force(packed, query[0], mask, 25, bits)


@pytest.mark.parametrize("bits", [64, 128, 256])
def test_distances_equal_faiss(bits: int) -> None:
    rng = np.random.default_rng(1)
    packed, query = random_codes(rng, 5000), random_codes(rng, 1)
    index = faiss.IndexBinaryFlat(bits)
    index.add(np.ascontiguousarray(packed[:, : bits // 8]))
    expected, _ = index.search(np.ascontiguousarray(query[:, : bits // 8]), 50)

    _, found = top_k(np.ascontiguousarray(words_of(packed).T), words_of(query)[0], None, 50, bits)

    assert found.tolist() == expected[0].tolist()


def test_compiled_scan_equals_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    words = np.ascontiguousarray(words_of(random_codes(rng, 4000)).T)
    query = words[:, 7].copy()
    plain = all_distances(words, query, 128)
    monkeypatch.setattr(hamming, "COMPILED_FROM", 1)  # the limit above which the compiled scan is used

    assert np.array_equal(all_distances(words, query, 128), plain)
    assert compiled_kernel()(words, query)[7] == 0


def test_one_per_patient_and_still_k() -> None:
    rng = np.random.default_rng(3)
    words = np.ascontiguousarray(words_of(random_codes(rng, 2000)).T)
    groups = np.repeat(np.arange(40), 50)  # 40 patients with 50 studies each
    query = words[:, 0].copy()

    places, distances = top_k(words, query, None, 30, 256, groups)

    assert len(set(groups[places])) == 30
    every = all_distances(words, query, 256)
    best = np.array([every[groups == group].min() for group in range(40)])
    assert sorted(best)[:30] == distances.tolist()
    assert all(every[groups == groups[place]].min() == far for place, far in zip(places, distances, strict=True))


def test_fewer_than_k_and_none_at_all() -> None:
    rng = np.random.default_rng(4)
    words = np.ascontiguousarray(words_of(random_codes(rng, 10)).T)
    groups = np.zeros(10, dtype=np.int64)

    assert top_k(words, words[:, 0].copy(), None, 50, 64)[0].size == 10
    assert top_k(words, words[:, 0].copy(), None, 5, 64, groups)[0].tolist() == [0]
    assert top_k(words, words[:, 0].copy(), np.zeros(10, bool), 5, 64)[0].size == 0
    assert top_k(words[:, :0], words[:, 0].copy(), None, 5, 64, groups[:0])[0].size == 0
