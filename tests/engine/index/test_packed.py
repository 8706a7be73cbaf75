"""Packed columns hold whatever integers they are given, in as few bytes as their neighbours allow."""

from __future__ import annotations

import numpy as np
import pytest

from engine.index.lookup import Bisection, lookup_of
from engine.index.packed import BLOCK, PIECE, Packed, packed, pieces


def numbers(kind: str, n: int) -> np.ndarray:
    """Return n integers of one kind, (n,) int64."""
    rng = np.random.default_rng(n)
    return {
        "counted": np.arange(n),
        "pairs": np.arange(n) // 2 + 7,
        "gaps": np.cumsum(rng.integers(1, 12, n)),
        "shuffled": rng.permutation(n),
        "huge": rng.integers(0, 2**62, n),
        "one value": np.full(n, 2**40),
    }[kind]


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5, PIECE + 1])
@pytest.mark.parametrize("kind", ["counted", "pairs", "gaps", "shuffled", "huge", "one value"])
def test_what_goes_in_comes_out(kind: str, n: int) -> None:
    values = numbers(kind, n)
    rng = np.random.default_rng(1)
    cuts = np.sort(rng.integers(0, n + 1, 7))  # parts of any length, empty ones among them
    held = packed(np.split(values, cuts), n)
    assert held.size == n
    assert np.array_equal(np.asarray(held), values)
    assert np.array_equal(np.concatenate([np.empty(0, np.int64), *pieces(held)]), values)
    places = rng.integers(0, n, 50) if n else np.empty(0, np.int64)
    assert np.array_equal(held[places], values[places])
    for part in (slice(None), slice(0, 5), slice(3, 40), slice(BLOCK, None), slice(n, n + 9), slice(1, 60, 7)):
        assert np.array_equal(held[part], values[part]), part


def bytes_each(held: Packed) -> int:
    """Return the bytes of one offset."""
    return sum(part.itemsize for part in held.offsets)


def test_numbers_take_no_more_bytes_than_their_neighbours_ask_for() -> None:
    n = 100 * BLOCK
    widths = {kind: bytes_each(packed([numbers(kind, n)], n)) for kind in ("counted", "shuffled", "huge")}
    assert widths == {"counted": 1, "shuffled": 2, "huge": 8}
    assert packed([np.arange(n)], n).nbytes == n + n // BLOCK * 8


@pytest.mark.parametrize(
    ("most", "each"), [(255, 1), (256, 2), (65_535, 2), (65_536, 3), (2**24 - 1, 3), (2**24, 4), (2**32, 8)]
)
def test_a_block_that_needs_more_widens_what_was_packed_before(most: int, each: int) -> None:
    values = np.concatenate([np.arange(5 * BLOCK), [0, most], np.arange(40)])
    held = packed([values[:100], values[100:]], values.size)
    assert bytes_each(held) == each
    assert np.array_equal(np.asarray(held), values)


@pytest.mark.parametrize("n", [4, 6])
def test_fewer_or_more_numbers_than_announced_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match=r"\d numbers came where \d were announced"):
        packed([np.arange(5)], n)


@pytest.mark.parametrize("kind", ["counted", "gaps", "shuffled", "huge"])
def test_every_ordinal_is_found_and_no_other(kind: str) -> None:
    n = PIECE + 77
    values = numbers(kind, n)
    rng = np.random.default_rng(2)
    here = rng.permutation(n) < n // 2
    held = packed([values[here]], int(here.sum()))
    lookup = lookup_of(held)
    assert isinstance(lookup, Bisection) == (kind == "huge")
    asked = rng.permutation(values)[:5000]
    found = lookup.positions_of(asked)
    assert np.array_equal(held[found], asked[np.isin(asked, values[here])])
    assert lookup.positions_of(np.array([-1, 2**62 + 1])).size == 0
