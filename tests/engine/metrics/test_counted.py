"""Pairs that are counted in cells: plain counts, a share that falls with agreement, an interval of whole patients."""

from __future__ import annotations

import numpy as np
import pytest

from engine.metrics.counted import MIN_PAIRS, Observations, cell_for, cells_of, interval

SHARES = (0.05, 0.1, 0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 0.95)  # by agreement


def observed(n: int = 4000, patients: int = 400, seed: int = 0) -> Observations:
    """Pairs whose share of findings rises with the agreement."""
    rng = np.random.default_rng(seed)
    agreeing = rng.integers(0, 10, n)
    shares = (rng.random(n) < np.array(SHARES)[agreeing]).astype(float)
    who = np.array([f"p{i}" for i in rng.integers(0, patients, n)])
    return Observations(rng.integers(20, 90, n), agreeing, shares, np.ones(n), who, np.full(n, "ward"))


def test_cells_hold_every_pair_once_and_count_plainly() -> None:
    pairs = observed()
    cells = cells_of(pairs, 256)
    assert sum(cell.pairs for cell in cells) == len(pairs) and all(cell.pairs >= MIN_PAIRS for cell in cells)
    assert sum(cell.sharing for cell in cells) == pairs.sharing.sum()
    for cell in cells:
        inside = [
            share
            for far, agreeing, share in zip(pairs.distance, pairs.agreeing, pairs.sharing, strict=True)
            if cell.agreeing[0] <= agreeing <= cell.agreeing[1] and cell.distance[0] <= far <= cell.distance[1]
        ]
        assert (len(inside), sum(inside)) == (cell.pairs, cell.sharing)
        assert cell.low <= cell.share <= cell.high and cell.claimed


def test_what_is_stated_holds_for_pairs_that_were_not_counted() -> None:
    cells, later = cells_of(observed(seed=1), 256), observed(seed=2)
    said = np.array([cell_for(cells, v, d).share for v, d in zip(later.agreeing, later.distance, strict=True)])  # type: ignore[union-attr]
    assert np.abs(said - np.array(SHARES)[later.agreeing]).mean() < 0.06
    assert said.mean() == pytest.approx(later.sharing.mean(), abs=0.03)


def test_the_share_never_falls_where_more_agree() -> None:
    pairs = observed(700, seed=3)
    cells = [cell for cell in cells_of(pairs, 256) if cell.distance[0] == 0]
    by_agreement = sorted(cells, key=lambda cell: cell.agreeing)
    assert [cell.share for cell in by_agreement] == sorted(cell.share for cell in by_agreement)


def test_a_nearer_half_is_told_apart_where_it_shares_more() -> None:
    n = 1000
    far = np.arange(n) % 100
    who = np.array([f"p{i}" for i in range(n)])
    same = Observations(far, np.full(n, 5), (far < 50).astype(float), np.ones(n), who, np.full(n, "ward"))
    near, rest = cells_of(same, 256)
    assert (near.distance, rest.distance) == ((0, 49), (50, 256))
    assert (near.share, rest.share) == (1.0, 0.0)


def test_too_few_pairs_say_nothing_and_few_patients_claim_nothing() -> None:
    assert cells_of(observed(MIN_PAIRS - 1), 256) == []
    few = cells_of(observed(4000, patients=12), 256)
    assert few and not any(cell.claimed for cell in few)


def test_pairs_of_one_patient_are_one_draw() -> None:
    n = 400
    share = np.repeat([0.0, 1.0], n // 2)
    same, ward = np.zeros(n, int), np.full(n, "ward")
    alone = Observations(same, same, share, np.ones(n), np.arange(n).astype(str), ward)
    forty = Observations(same, same, share, np.ones(n), np.repeat(np.arange(40).astype(str), 10), ward)
    (low, high, patients), (wide_low, wide_high, groups) = interval(alone), interval(forty)
    assert (patients, groups) == (400, 40)
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 20, abs=0.002)  # √(p q / n)
    assert wide_high - wide_low == pytest.approx((high - low) * 10**0.5, rel=0.03)


def test_data_sets_that_differ_widen_the_interval() -> None:
    pairs = observed(2000, seed=4)
    halves = Observations(
        pairs.distance,
        pairs.agreeing,
        np.repeat([0.1, 0.7], 1000),
        pairs.weight,
        pairs.patients,
        np.repeat(["one", "other"], 1000),
    )
    low, high, _ = interval(halves)
    assert low < 0.1 and high > 0.7


def test_a_rating_weighs_what_its_rater_weighs() -> None:
    pairs = observed(300, seed=5)
    light = Observations(
        pairs.distance, pairs.agreeing, pairs.sharing, np.full(300, 0.25), pairs.patients, pairs.sources
    )
    assert cells_of(pairs, 256) and cells_of(light, 256) == []  # 75 pairs' worth
