"""Shares by coalitions: they add up, every order's average, and what errors they state."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from engine.explain.coalitions import Game, halved, left_out, sampled

PLAYERS = 8


def game(players: int = PLAYERS, seed: int = 3) -> Game:
    """A game of a smooth function in which players help and hinder each other."""
    rng = np.random.default_rng(seed)
    alone, together = rng.standard_normal(players), rng.standard_normal((players, players)) / 3
    return Game(
        players, lambda sets: np.tanh(sets @ alone + np.einsum("ni,ij,nj->n", sets, together, sets.astype(float)))
    )


def shapley(one: Game) -> np.ndarray:
    """Shapley's values by their definition, over all sets."""
    n = one.players
    out = np.zeros(n)
    for player in range(n):
        rest = [i for i in range(n) if i != player]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for members in combinations(rest, size):
                sets = np.zeros((2, n), bool)
                sets[:, list(members)] = True
                sets[1, player] = True
                without, with_it = one.scores(sets)
                out[player] += weight * (with_it - without)
    return out


def test_kernel_shap_is_shapleys_value_where_every_set_is_scored() -> None:
    one = game()
    (shares,) = sampled(one, 2**PLAYERS, 3)
    assert shares.values == pytest.approx(shapley(game()), abs=1e-6)
    assert not shares.errors.any() and shares.clear.all() and abs(shares.miss) < 1e-9
    assert one.evaluations == 2**PLAYERS


def test_drawn_shares_add_up_and_state_how_far_they_are_off() -> None:
    """Over games, misses are of the size that the errors state; more rounds lower both."""
    ratios, first, last = [], [], []
    for seed in range(12):
        truth = shapley(game(seed=seed))
        rounds = list(sampled(game(seed=seed), 60, 4, seed=seed))
        assert len(rounds) == 3 and all(abs(one.miss) < 1e-9 for one in rounds)
        off = [float(np.sqrt(np.mean((one.values - truth) ** 2))) for one in rounds]
        ratios.append(off[-1] / float(np.sqrt(np.mean(rounds[-1].errors ** 2))))
        first.append(off[0])
        last.append(off[-1])
    assert 0.4 < np.median(ratios) < 1.6
    assert np.mean(last) < np.mean(first)


def test_drawing_is_the_same_every_time_and_leaves_numpys_generator_alone() -> None:
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    twice = [list(sampled(game(), 60, 2))[-1].values for _ in range(2)]
    assert np.array_equal(*twice)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def owen(one: Game) -> np.ndarray:
    """Owen's values of a row that is halved and halved again, by their definition: the average over all orders in
    which one half comes wholly before the other, on every level."""

    def orders(members: list[int]) -> list[list[int]]:
        if len(members) == 1:
            return [members]
        left, right = orders(members[: len(members) // 2]), orders(members[len(members) // 2 :])
        return [first + second for a in left for b in right for first, second in ((a, b), (b, a))]

    out, all_orders = np.zeros(one.players), orders(list(range(one.players)))
    for order in all_orders:
        sets = np.tri(one.players + 1, one.players, -1, bool)
        in_order = np.zeros_like(sets)
        in_order[:, order] = sets
        out[order] += np.diff(one.scores(in_order))
    return out / len(all_orders)


def test_halves_of_a_row_are_owens_values_where_both_contexts_are_looked_at() -> None:
    *_, exact = halved(game(), (1, PLAYERS), (10_000,), both=99)
    assert exact.values == pytest.approx(owen(game()), abs=1e-9)
    *_, quick = halved(game(), (1, PLAYERS), (10_000,), both=1)
    assert abs(quick.miss) < 1e-9 and quick.evaluations < exact.evaluations
    assert np.corrcoef(quick.values, exact.values)[0, 1] > 0.8


def test_a_grid_finds_the_planted_cell_before_it_is_cut_to_cells_elsewhere() -> None:
    planted = 5 * 16 + 11
    one = Game(256, lambda sets: 2.0 * sets[:, planted] + 0.01 * sets.mean(1))
    seen = list(halved(one, (16, 16), (16, 32, 64)))
    assert all(abs(each.miss) < 1e-9 for each in seen)
    assert int(np.argmax(seen[-1].values)) == planted and seen[-1].values[planted] > 1.9
    assert seen[0].evaluations <= 18 and seen[-1].evaluations < 70  # eight halvings lead to one of 256 cells


def test_occlusion_is_what_each_alone_loses() -> None:
    one = game()
    shares, everybody = left_out(one), np.ones(PLAYERS, bool)
    without = np.array([i != 3 for i in range(PLAYERS)])
    assert shares.values[3] == pytest.approx(float(np.diff(one.scores(np.stack([without, everybody])))[0]))
    assert one.evaluations <= PLAYERS + 2


def test_one_player_carries_all() -> None:
    (shares,) = sampled(Game(1, lambda sets: 0.25 + 0.5 * sets[:, 0]), 100, 2)
    assert shares.values.tolist() == [0.5] and shares.evaluations == 2
