"""The faster way is chosen by measuring, and whichever is chosen the answers are the scan's."""

from __future__ import annotations

import numpy as np
import pytest

from engine.index import autotune, hamming
from engine.index.autotune import choose_index
from engine.index.code_columns import Columns
from engine.index.hamming import nearest, to_bits
from engine.index.lookup import lookup_of
from engine.index.multi_index import build
from engine.index.snapshot import Base

N = 8000


def clustered(rng: np.random.Generator) -> np.ndarray:
    """Return (4, N) uint64 codes in clusters."""
    bits = (rng.random((40, 256)) < 0.5)[rng.integers(0, 40, N)] ^ (rng.random((N, 256)) < 0.05)
    return np.ascontiguousarray(np.packbits(bits, axis=1, bitorder="little").view("<u8").T)


def base_of(codes: np.ndarray) -> Base:
    return Base(Columns(codes, np.arange(N) + 7, np.arange(N) // 2))


@pytest.mark.parametrize("bits", [64, 128, 256])
@pytest.mark.parametrize("budget", [1e9, 300.0, 1.0])  # enough, enough for some, never enough
def test_with_any_budget_the_answers_are_the_scans(bits: int, budget: float) -> None:
    rng = np.random.default_rng(bits)
    codes = clustered(rng)
    base = base_of(codes)
    base.index, base.budgets = build(codes, 256), {bits: budget}
    for share in (1.0, 0.5, 0.01, 0.0):
        mask = rng.random(N) < share
        for k, radius in ((10, None), (5, 20), (600, None)):
            query = codes[:, rng.integers(N)].copy()
            found = base.nearest(query, k, bits, to_bits(mask), int(mask.sum()), radius)
            expected = nearest(codes, query, k, bits, to_bits(mask), radius)
            assert np.array_equal(found[0], expected[0]) and np.array_equal(found[1], expected[1])


def test_a_choice_is_measured_and_keeps_tables_only_for_what_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    monkeypatch.setattr(autotune, "INDEX_FROM", 1000)
    monkeypatch.setattr(autotune, "HOPEFUL_NS", 0.01)  # so that tables are built for so few codes, too
    monkeypatch.setattr(hamming, "COMPILED_FROM", 1000)
    base = base_of(clustered(rng))
    choices = choose_index(base, rng)
    assert {one.bits for one in choices} <= {64, 128, 256}
    gaining = {one.bits for one in choices if one.gains}
    assert set(base.budgets) == gaining
    assert (base.index is None) if not gaining else (base.index.bits == max(gaining))
    assert all(one.scan_s > 0 and one.index_s > 0 and one.budget > 0 for one in choices)


def test_uniform_codes_of_many_bits_build_no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    monkeypatch.setattr(autotune, "INDEX_FROM", 1000)
    monkeypatch.setattr(hamming, "COMPILED_FROM", 1000)
    base = base_of(rng.integers(0, 2**64, (4, N), dtype=np.uint64))
    assert choose_index(base, rng, (256, 128)) == []
    assert (base.index, base.budgets) == (None, {})


def test_ordinals_are_found_wherever_they_lie() -> None:
    rng = np.random.default_rng(3)
    for spread in (1, 3, 10**6):  # dense, with gaps, and too far apart for a table
        ordinals = rng.permutation(5000)[:800] * spread + 5
        lookup = lookup_of(ordinals)
        asked = np.concatenate([ordinals[::3], np.array([0, 4, 10**12])])
        assert np.array_equal(np.sort(lookup.positions_of(asked)), np.sort(np.arange(800)[::3]))
        assert lookup.positions_of(np.empty(0, np.int64)).size == 0
    assert lookup_of(np.empty(0, np.int64)).positions_of(np.array([1])).size == 0
